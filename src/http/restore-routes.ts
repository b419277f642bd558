/** Restores over the API: asked for, looked up, each with its end. */
import { recordJson } from '../core/restore-json.ts';
import { requestProblem } from './problem.ts';
import { readRestoreBody, restoreBody } from './restore-body.ts';
import { type Answer, type Call, jsonAnswer, problemAnswer, type Route, route } from './route.ts';
import { list, named, object, workId } from './schema.ts';
import type { AdminOptions } from './sources.ts';

// Reading needs the scope as well: a report names paths, and the token of the new cluster.
export const restoreRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/restores',
    scope: 'restore',
    summary: 'Begins a restore into a new data directory below restore.roots, one at a time.',
    body: { whole: restoreBody },
    replies: {
      202: { description: 'It has begun.', schema: named('Restore'), located: true },
    },
    problems: [409],
    answer: answerRestore,
    target: targetOf,
  }),
  route({
    method: 'GET',
    path: '/v1/restores',
    scope: 'restore',
    summary: 'The restores that were asked for, the newest first.',
    replies: {
      200: {
        description: 'The last ones since the start.',
        schema: object({ restores: list(named('Restore')) }),
      },
    },
    answer: async ({ restores }) =>
      jsonAnswer(200, { restores: restores.list().map((record) => recordJson(record)) }),
  }),
  route({
    method: 'GET',
    path: '/v1/restores/:id',
    scope: 'restore',
    summary: 'One restore: its step, its bytes, its end and its report.',
    params: { id: workId },
    replies: { 200: { description: 'The restore.', schema: named('Restore') } },
    problems: [404],
    answer: answerRecord,
  }),
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

function targetOf({ body }: { readonly body: unknown }): string | undefined {
  const { dataDir } = Object(body) as { dataDir?: unknown };
  return typeof dataDir === 'string' ? dataDir.slice(0, longestPath) : undefined;
}
