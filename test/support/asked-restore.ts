/** The plainest restore that somebody may ask for; tests tell only what differs. */
import type { Wanted } from '../../src/engine/candidates.ts';
import type { RestoreAsked } from '../../src/engine/plan-restore.ts';

export const latest: Wanted = { backup: 'latest', before: null, store: null, cluster: null };

export function into(dataDir: string, changes: Partial<RestoreAsked> = {}): RestoreAsked {
  return {
    dataDir,
    name: null,
    initialCluster: null,
    initialClusterToken: null,
    bumpRevision: null,
    clearAlarms: false,
    owner: null,
    etcdVersion: null,
    force: false,
    fallback: false,
    dryRun: false,
    ...changes,
  };
}
