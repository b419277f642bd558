/**
 * Part of a backup back into the running cluster: compares first, and writes only what was
 * compared, as long as nobody else changed it meanwhile.
 */
import type { KeyRange, LiveKeys } from '../cluster/keys-port.ts';
import type { BackupId, ClusterId, Revision } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { keyText } from '../core/key-text.ts';
import { isProved, type Manifest } from '../core/manifest.ts';
import type { EngineDeps } from './deps.ts';
import { type Difference, differences, rangeBelow } from './difference.ts';
import type { Approve, OpenedSnapshot } from './extract.ts';
import { type PlannedChange, writeKeys } from './write-keys.ts';

export interface PutBackOrder {
  readonly prefix: Uint8Array;
  /** Whether keys that only the cluster has are deleted. */
  readonly deleteExtra: boolean;
  /** False: only compare. */
  readonly apply: boolean;
  /** Also into another cluster, and from a backup that is not proved. */
  readonly force: boolean;
  /** At most so many differences are named. */
  readonly lines: number;
}

export type Deed = 'create' | 'overwrite' | 'delete' | 'keep';

export interface PutBackReport {
  /** Null: a snapshot file. */
  readonly backup: BackupId | null;
  readonly cluster: ClusterId;
  /** The revision of the cluster that the backup was compared with. */
  readonly revision: Revision;
  readonly applied: boolean;
  readonly counts: Readonly<Record<Deed | 'same', number>>;
  /** Keys among those written that have a lease, in the backup or in the cluster, and lose it. */
  readonly leasesLost: number;
  /** The first differences, in the order of their keys. */
  readonly named: readonly { readonly deed: Deed; readonly key: Uint8Array }[];
}

export type PutBackDeps = Pick<EngineDeps, 'observe'> & { readonly keys: LiveKeys };

interface Options {
  readonly signal: AbortSignal;
}

interface Plan extends Omit<PutBackReport, 'backup' | 'applied'> {
  readonly changes: readonly PlannedChange[];
}

/** All changes are known before the first is written; this many fit into little memory. */
const mostChanges = 200_000;

/**
 * Throws `restore-refused` before anything is fetched when the backup is of another cluster or not
 * proved, `put-back-conflict` when somebody else writes at the same time, and the failures of
 * `open` and `LiveKeys`. What was written before a failure stays; the event tells how much.
 */
export async function putBack(
  open: (approve: Approve) => Promise<OpenedSnapshot>,
  order: PutBackOrder,
  deps: PutBackDeps,
  { signal }: Options,
): Promise<PutBackReport> {
  await using snapshot = await open((manifest) => requireFit(manifest, order, deps, { signal }));
  const plan = await compare(snapshot, order, deps.keys, { signal });
  const backup = snapshot.manifest?.id ?? null;
  if (order.apply) await write(plan, backup, order, deps, { signal });
  const { changes: _, ...report } = plan;
  return { backup, applied: order.apply, ...report };
}

/** Keys of another cluster, or from a backup in doubt, need a person who says so. */
async function requireFit(
  manifest: Manifest | null,
  { force, prefix }: PutBackOrder,
  { keys }: PutBackDeps,
  { signal }: Options,
): Promise<void> {
  if (force) return;
  const hint = 'If you are sure that these keys belong there, repeat with --force.';
  if (manifest === null) {
    const message = 'a snapshot file does not tell which cluster it is of';
    throw new Failure('restore-refused', message, { hint });
  }
  if (!isProved(manifest)) {
    throw new Failure('restore-refused', `backup ${manifest.id} is not proved`, {
      hint: 'Take another backup ("list" shows their proofs); --force takes it all the same.',
    });
  }
  // One key is enough to hear who answers.
  const one: KeyRange = { from: prefix, end: Buffer.concat([prefix, Buffer.of(0)]) };
  for await (const { clusterId } of keys.read(one, { signal })) {
    if (clusterId === manifest.cluster.id) return;
    const whose = `backup ${manifest.id} is of cluster ${manifest.cluster.id}`;
    throw new Failure('restore-refused', `${whose}, and cluster ${clusterId} answers`, { hint });
  }
}

async function compare(
  snapshot: OpenedSnapshot,
  order: PutBackOrder,
  keys: LiveKeys,
  options: Options,
): Promise<Plan> {
  let asked: Pick<PutBackReport, 'cluster' | 'revision'> | undefined;
  const pages = async function* () {
    for await (const page of keys.read(rangeBelow(order.prefix), options)) {
      asked = { cluster: page.clusterId, revision: page.revision };
      yield page;
    }
  };
  const counts = { create: 0, overwrite: 0, delete: 0, keep: 0, same: 0 };
  const named: { deed: Deed; key: Uint8Array }[] = [];
  const changes: PlannedChange[] = [];
  let leasesLost = 0;
  const stored = snapshot.keys(order.prefix, options);
  for await (const each of differences(stored, pages(), snapshot.valueOf)) {
    const deed = deedFor(each, order);
    counts[deed] += 1;
    if (deed === 'same') continue;
    const { key } = each.stored ?? each.live;
    if (named.length < order.lines) named.push({ deed, key });
    if (deed === 'keep') continue;
    if (deed !== 'delete' && hasLease(each)) leasesLost += 1;
    if (order.apply) changes.push(changeFor(each, snapshot));
    if (changes.length > mostChanges) throw tooMany();
  }
  if (asked === undefined) throw new Failure('internal', 'the cluster answered with no page');
  return { ...asked, counts, leasesLost, named, changes };
}

function hasLease({ stored, live }: Difference): boolean {
  return (stored?.lease ?? 0n) !== 0n || (live?.lease ?? 0n) !== 0n;
}

function deedFor({ kind }: Difference, { deleteExtra }: PutBackOrder): Deed | 'same' {
  if (kind !== 'extra') return kind;
  return deleteExtra ? 'delete' : 'keep';
}

function changeFor({ stored, live }: Difference, snapshot: OpenedSnapshot): PlannedChange {
  const expected = live?.modRevision ?? 0n;
  if (stored !== null) {
    return { key: stored.key, value: () => snapshot.valueOf(stored), expected };
  }
  return { key: live.key, value: null, expected };
}

async function write(
  { changes, cluster, leasesLost }: Plan,
  backup: BackupId | null,
  { prefix, deleteExtra }: PutBackOrder,
  { keys, observe }: PutBackDeps,
  { signal }: Options,
): Promise<void> {
  let done = 0;
  const written = (count: number): void => {
    done = count;
  };
  const failure = await writeKeys(changes, keys, { signal, written }).then(
    () => undefined,
    (error) => counted(toFailure(error), done, changes.length),
  );
  observe({
    kind: 'keys-put-back',
    backup,
    cluster,
    prefix: keyText(prefix),
    deleteExtra,
    written: done,
    planned: changes.length,
    leasesLost,
    failed: failure?.code ?? null,
  });
  if (failure !== undefined) throw failure;
}

function counted(failure: Failure, done: number, planned: number): Failure {
  const message = `${failure.message}; ${done} of ${planned} keys were written before`;
  const { code, context, hint } = failure;
  return new Failure(code, message, { cause: failure, context, hint });
}

function tooMany(): Failure {
  return new Failure('restore-refused', `more than ${mostChanges} keys differ`, {
    hint: 'Nothing was written. Name longer prefixes one by one, or restore the whole cluster.',
  });
}
