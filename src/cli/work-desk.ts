/** Work that the admin API may ask the daemon for, and where its jobs are written down. */

import type { Daemon } from '../daemon/daemon.ts';
import type { Jobs } from '../daemon/jobs.ts';
import { Verifies } from '../daemon/verifies.ts';
import type { AdminOptions } from '../http/sources.ts';
import { requireBackup, verifyAsked } from './backup-desk.ts';
import type { Lodging } from './residence.ts';

export interface Workers {
  readonly daemon: Daemon;
  readonly jobs: Jobs;
  readonly verifies: Verifies;
  readonly lodging: Lodging;
}

type WorkDesk = Required<
  Pick<AdminOptions, 'takeBackup' | 'verify' | 'requestDrill' | 'requestScrub' | 'requestHeal'>
>;

export function workDesk({ daemon, jobs, verifies, lodging }: Workers): WorkDesk {
  const chore = (kind: 'drill' | 'scrub' | 'heal') => () =>
    jobs.ask(kind, () => daemon.requestChore(kind));
  return {
    takeBackup: () => jobs.ask('backup', () => daemon.request()),
    requestDrill: chore('drill'),
    requestScrub: chore('scrub'),
    requestHeal: chore('heal'),
    verify: async (wanted, { signal }) => {
      await lodging.use((deps) => requireBackup(wanted, deps, signal));
      // First, because it throws while the daemon stops; the loop looks later than this.
      daemon.requestChore('verify');
      return verifies.ask(wanted);
    },
  };
}

export function askedVerifies(jobs: Jobs, lodging: Lodging): Verifies {
  return new Verifies({
    jobs,
    verify: (order, options) => lodging.use((deps) => verifyAsked(order, deps, options)),
  });
}
