/** A house with two stores for the admin API, and what it was told and asked. */
import { Failure } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import { Jobs } from '../../../src/daemon/jobs.ts';
import { Restores } from '../../../src/daemon/restores.ts';
import { EventStreams } from '../../../src/http/event-streams.ts';
import type { AdminOptions, ListQuery } from '../../../src/http/sources.ts';
import { eventFeed } from '../../../src/observe/feed.ts';

export const operate = 'operate-token-of-the-test';
export const restore = 'restore-token-of-the-test';
export const read = 'read-token-of-the-test';
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
export const loopback = { host: '127.0.0.1:9379' };
export const id = '20261120T154500Z-r00000000000055919';

export interface House {
  readonly options: AdminOptions;
  readonly events: Event[];
  readonly asked: ListQuery[];
  /** How many backups were ordered. */
  orders(): number;
}

/** As where restore.roots is not set. */
const restoresNowhere = new Restores({
  roots: [],
  restore: () => Promise.reject(new Failure('internal', 'nothing is restored here')),
  observe: () => undefined,
  now: () => new Date(),
  suffix: () => 'x7k2',
});

/** The book of a daemon; the ids of its jobs are told apart by a number. */
export function newJobs(): Jobs {
  let noted = 0;
  const suffix = (): string => {
    noted += 1;
    return String(noted).padStart(4, '0');
  };
  return new Jobs({ now: () => new Date('2026-11-20T16:00:00Z'), suffix });
}

export function house(changes: Partial<AdminOptions> = {}): House {
  const events: Event[] = [];
  const jobs = newJobs();
  const asked: ListQuery[] = [];
  let orders = 0;
  const row = { store: 'local', id, revision: 55919n, startedAt: new Date('2026-11-20T15:45:00Z') };
  const options: AdminOptions = {
    listen: { host: '127.0.0.1', port: 0 },
    tokens: { operate: () => operate },
    status: () => ({ state: 'running', revision: 2n ** 60n, at: new Date(0) }),
    backups: {
      list: async (query) => {
        asked.push(query);
        if (query.store === 'nowhere') throw new Failure('usage', 'there is no store nowhere');
        const failure = new Failure('store-denied', 'store offsite refused the list');
        return { backups: [row], unreadable: [{ store: 'offsite', failure }] };
      },
      find: async (wanted) => (wanted === id ? [row] : []),
      hold: async () => ['local'],
      remove: async () => ['local'],
      plan: async () => ({ cluster: null, stores: [], unreadable: [] }),
    },
    takeBackup: () => {
      orders += 1;
      return jobs.ask('backup', () => (orders === 1 ? 'accepted' : 'already-queued'));
    },
    jobs,
    verify: async () => ({ status: 'accepted', job: jobs.queue('verify') }),
    restores: restoresNowhere,
    reload: async () => ({ status: 'applied', changed: ['schedule.cron'] }),
    requestDrill: () => jobs.ask('drill', () => 'accepted'),
    requestScrub: () => jobs.ask('scrub', () => 'accepted'),
    metrics: { text: async () => 'up 1\n', contentType: 'text/plain; version=0.0.4' },
    alive: () => ({ ok: true, reason: 'the loop turns' }),
    ready: () => ({ ok: false, reason: 'the stores are being read' }),
    observe: (event) => void events.push(event),
    // Soon ended, for calls that wait for the end of an answer.
    events: new EventStreams(eventFeed({ now: () => new Date() }), { lifeMs: 20 }),
    ...changes,
  };
  return { options, events, asked, orders: () => orders };
}
