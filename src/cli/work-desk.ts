/** Work that the admin API may ask the daemon for, and where its jobs are written down. */
import type { Jobs } from '../daemon/jobs.ts';
import type { Daemon } from '../daemon/loop.ts';
import { Verifies } from '../daemon/verifies.ts';
import type { EngineDeps } from '../engine/deps.ts';
import type { AdminOptions } from '../http/sources.ts';
import { requireBackup, verifyAsked } from './backup-desk.ts';

export interface Workers {
  readonly daemon: Daemon;
  readonly jobs: Jobs;
  readonly verifies: Verifies;
  readonly deps: EngineDeps;
  /** Whether the daemon heals stores. */
  readonly heals: boolean;
}

type WorkDesk = Pick<
  AdminOptions,
  'takeBackup' | 'verify' | 'requestDrill' | 'requestScrub' | 'requestHeal'
>;

export function workDesk({ daemon, jobs, verifies, deps, heals }: Workers): WorkDesk {
  const chore = (kind: 'drill' | 'scrub' | 'heal') => () =>
    jobs.ask(kind, () => daemon.requestChore(kind));
  return {
    takeBackup: () => jobs.ask('backup', () => daemon.request()),
    requestDrill: chore('drill'),
    requestScrub: chore('scrub'),
    requestHeal: heals ? chore('heal') : undefined,
    verify: async (wanted, { signal }) => {
      await requireBackup(wanted, deps, signal);
      // First, because it throws while the daemon stops; the loop looks later than this.
      daemon.requestChore('verify');
      return verifies.ask(wanted);
    },
  };
}

export function askedVerifies(jobs: Jobs, deps: EngineDeps): Verifies {
  return new Verifies({ jobs, verify: (order, options) => verifyAsked(order, deps, options) });
}
