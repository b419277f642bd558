/** The daemon's restores over real folders; what each does and when it ends is up to the test. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BackupId,
  type ClusterId,
  type MemberId,
  revision,
} from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { Event, Observe } from '../../../src/core/events.ts';
import type { RestoreReport } from '../../../src/core/restore.ts';
import { Restores } from '../../../src/daemon/restores.ts';
import type { Wanted } from '../../../src/engine/candidates.ts';
import type { RestoreAsked } from '../../../src/engine/plan-restore.ts';

const older = '20261119T154500Z-r00000000000041002' as BackupId;
const newer = '20261120T154500Z-r00000000000055919' as BackupId;

export const report: RestoreReport = {
  backup: older,
  store: 'local',
  takenAt: new Date('2026-11-19T15:45:00Z'),
  leastEtcd: '3.5',
  dryRun: false,
  dataDir: '/var/lib/etcd',
  aside: '/var/lib/etcd.before-restore-20261120T160000Z',
  member: { name: 'm1', id: '00000000000000a1' as MemberId },
  cluster: { id: '00000000000000c1' as ClusterId, token: 'prod-0a1b2c3d4e5f' },
  revision: revision(2n ** 60n),
  keys: 7,
  sizeBytes: 20_480,
  alarms: [],
  leases: 0,
  authEnabled: false,
  passedOver: [{ backup: newer, failure: new Failure('object-damaged', 'it has other bytes') }],
  warnings: [],
  steps: { choose: 1, fetch: 2 },
};

/** One restore that was begun, as the engine would see it. */
export interface Begun {
  readonly wanted: Wanted;
  readonly asked: RestoreAsked;
  readonly signal: AbortSignal;
  readonly observe: Observe;
  /** What an engine throws, or returns, at its end. */
  readonly succeed: (report: RestoreReport) => void;
  readonly fail: (thrown: unknown) => void;
}

export interface Restoring extends Disposable {
  /** A root, and a folder beside it that nobody may restore to. */
  readonly root: string;
  readonly outside: string;
  readonly restores: Restores;
  readonly begun: Begun[];
  readonly events: Event[];
}

/** Restores end when the test says so. Time passes by a minute at each look at the clock. */
export function restoring(options: { readonly withRoots?: boolean } = {}): Restoring {
  const { withRoots = true } = options;
  const dir = mkdtempSync(join(tmpdir(), 'etcd-backupd-restores-'));
  const [root, outside] = [join(dir, 'root'), join(dir, 'outside')];
  mkdirSync(root);
  mkdirSync(outside);
  const begun: Begun[] = [];
  const events: Event[] = [];
  let looks = 0;
  const restores = new Restores({
    roots: withRoots ? [root] : [],
    restore: (wanted, asked, { signal, observe }) =>
      new Promise((succeed, fail) => {
        begun.push({ wanted, asked, signal, observe, succeed, fail });
      }),
    observe: (event) => void events.push(event),
    now: () => new Date(Date.UTC(2026, 10, 20, 16, looks++)),
    suffix: () => 'x7k2',
  });
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  return { root, outside, restores, begun, events, [Symbol.dispose]: remove };
}
