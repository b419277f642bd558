/**
 * Restores and drills over the API: each is asked for and runs by itself. A restore is looked at
 * until it has ended; a drill tells its end in the manifest, the log and the metrics.
 */
import { recordJson } from '../core/restore-json.ts';
import { requestProblem } from './problem.ts';
import { readRestoreBody } from './restore-body.ts';
import {
  type Answer,
  type Call,
  fieldless,
  isEmpty,
  jsonAnswer,
  problemAnswer,
  type Route,
} from './route.ts';
import type { AdminOptions } from './sources.ts';

// Reading needs the scope as well: a report names paths, and the token of the new cluster.
export const restoreRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/restores',
    scope: 'restore',
    answer: answerRestore,
    target: targetOf,
  },
  {
    method: 'GET',
    path: '/v1/restores',
    scope: 'restore',
    answer: async ({ restores }) =>
      jsonAnswer(200, { restores: restores.list().map((record) => recordJson(record)) }),
  },
  { method: 'GET', path: '/v1/restores/:id', scope: 'restore', answer: answerRecord },
  { method: 'POST', path: '/v1/drills', scope: 'restore', answer: answerDrill },
];

// A path of Linux is at most this long; the audit takes no more from anybody.
const longestPath = 4096;

async function answerRestore({ restores }: AdminOptions, call: Call): Promise<Answer> {
  const read = readRestoreBody(call.body);
  if ('problem' in read) return problemAnswer(read.problem);
  const record = await restores.begin(read.wanted, read.asked);
  const headers = { location: `/v1/restores/${record.id}` };
  return { ...jsonAnswer(202, recordJson(record)), headers };
}

async function answerRecord({ restores }: AdminOptions, call: Call): Promise<Answer> {
  const record = restores.find(call.params.id ?? '');
  if (record !== undefined) return jsonAnswer(200, recordJson(record));
  const hint = 'GET /v1/restores lists those that are remembered: the last ones since the start.';
  return problemAnswer(requestProblem('not-found', 'no such restore is remembered', hint));
}

async function answerDrill({ requestDrill }: AdminOptions, { body }: Call): Promise<Answer> {
  if (!isEmpty(body)) return problemAnswer(fieldless);
  const { status } = await requestDrill();
  if (status === 'accepted') return jsonAnswer(202, { status });
  return problemAnswer(requestProblem(status, 'a drill is running or due already'));
}

function targetOf({ body }: Pick<Call, 'body'>): string | undefined {
  const { dataDir } = Object(body) as { dataDir?: unknown };
  return typeof dataDir === 'string' ? dataDir.slice(0, longestPath) : undefined;
}
