/** What the admin API can be asked, and how each question is answered. Knows nothing of sockets. */
import { parseBackupId } from '../core/names.ts';
import { eventRoutes } from './event-routes.ts';
import { type Problem, requestProblem } from './problem.ts';
import { restoreRoutes } from './restore-routes.ts';
import {
  type Answer,
  type Call,
  fieldless,
  isEmpty,
  jsonAnswer,
  problemAnswer,
  type Route,
} from './route.ts';
import type { AdminOptions, Health, ListQuery } from './sources.ts';

const defaultLimit = 100;
const largestLimit = 1000;

export const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/healthz',
    scope: 'open',
    answer: async (options) => healthAnswer(options.alive),
  },
  {
    method: 'GET',
    path: '/readyz',
    scope: 'open',
    answer: async (options) => healthAnswer(options.ready),
  },
  { method: 'GET', path: '/metrics', scope: 'open', answer: answerMetrics },
  {
    method: 'GET',
    path: '/v1/status',
    scope: 'read',
    answer: async (options) => jsonAnswer(200, await options.status()),
  },
  { method: 'GET', path: '/v1/backups', scope: 'read', answer: answerBackups },
  { method: 'GET', path: '/v1/backups/:id', scope: 'read', answer: answerBackup },
  { method: 'POST', path: '/v1/backups', scope: 'operate', answer: answerTake },
  { method: 'POST', path: '/v1/heals', scope: 'operate', answer: answerHeal },
  ...eventRoutes,
  ...restoreRoutes,
];

function healthAnswer(ask: () => Health): Answer {
  const health = askHealth(ask);
  return jsonAnswer(health.ok ? 200 : 503, { ok: health.ok, reason: health.reason });
}

/** A probe that cannot be answered is answered with no: restarting is what it is asked for. */
function askHealth(ask: () => Health): Health {
  try {
    return ask();
  } catch {
    return { ok: false, reason: 'the state of the daemon cannot be told' };
  }
}

async function answerMetrics(options: AdminOptions): Promise<Answer> {
  const { contentType } = options.metrics;
  return { status: 200, contentType, body: await options.metrics.text() };
}

async function answerBackups(options: AdminOptions, call: Call): Promise<Answer> {
  const query = parseListQuery(call.query);
  if ('problem' in query) return problemAnswer(query.problem);
  const list = await options.backups.list(query, { signal: call.signal });
  const unreadable = list.unreadable.map(({ store, failure }) => {
    const { code, message, hint } = failure;
    return { store, code, message, hint };
  });
  return jsonAnswer(200, { backups: list.backups, unreadable });
}

async function answerBackup(options: AdminOptions, call: Call): Promise<Answer> {
  const id = parseBackupId(call.params.id ?? '');
  const rows = await options.backups.find(id, { signal: call.signal });
  if (rows.length > 0) return jsonAnswer(200, { backups: rows });
  return problemAnswer(requestProblem('not-found', `no store holds backup ${id}`));
}

async function answerTake(options: AdminOptions, call: Call): Promise<Answer> {
  if (!isEmpty(call.body)) return problemAnswer(fieldless);
  const { status } = await options.takeBackup();
  return { ...jsonAnswer(202, { status }), headers: { location: '/v1/status' } };
}

async function answerHeal({ requestHeal }: AdminOptions, { body }: Call): Promise<Answer> {
  if (!isEmpty(body)) return problemAnswer(fieldless);
  if (requestHeal === undefined) {
    const hint = 'It takes two stores, and heal.enabled.';
    return problemAnswer(requestProblem('not-found', 'this daemon does not heal stores', hint));
  }
  const { status } = await requestHeal();
  if (status === 'accepted') return jsonAnswer(202, { status });
  return problemAnswer(requestProblem(status, 'stores are being healed, or are about to be'));
}

function parseListQuery(
  query: Readonly<Record<string, unknown>>,
): ListQuery | { problem: Problem } {
  const { store, limit, ...rest } = query;
  const unknown = Object.keys(rest);
  if (unknown.length > 0) return badQuery('only store and limit can be given');
  if (store !== undefined && (typeof store !== 'string' || store.length > 100 || store === '')) {
    return badQuery('store is not the name of one store');
  }
  if (limit === undefined) return { store, limit: defaultLimit };
  const amount = typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (amount < 1 || amount > largestLimit) {
    return badQuery(`limit is not a whole number from 1 to ${largestLimit}`);
  }
  return { store, limit: amount };
}

function badQuery(detail: string): { problem: Problem } {
  return { problem: requestProblem('bad-request', detail, 'Example: ?store=local&limit=20') };
}
