/**
 * Several daemons, one cluster: whose turn a slot is, and whether somebody was here before. There
 * is no lock: a cluster without a quorum must be backed up too. What the stores tell decides, and
 * every doubt ends in a backup, for two of one slot harm nobody.
 */
import { type Turn, turnIn } from '../cluster/choose.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { isProved, type Manifest } from '../core/manifest.ts';
import { type BackupReport, takeBackup } from './backup.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { identifyCluster } from './identify.ts';
import type { BackupOrder } from './order.ts';
import { takeStock } from './stock.ts';
import { trusts } from './trust.ts';

/** Undefined: this daemon stands beside no member. Throws when the cluster cannot be asked. */
export async function drawTurn(
  slot: Date,
  deps: Pick<EngineDeps, 'cluster' | 'source'>,
  signal: AbortSignal,
): Promise<Turn | undefined> {
  return turnIn(await deps.cluster.survey({ signal }), deps.source.choose.localMember, slot);
}

/**
 * A backup for the stores that need one. Where the order allows it, shared stores are read first,
 * which also tells what they hold; those that have a proved backup of the slot are left alone.
 */
export async function takeNeededBackup(
  order: BackupOrder,
  deps: EngineDeps,
  options: { readonly signal: AbortSignal },
): Promise<BackupReport> {
  const { slot, unlessAnswered = false } = order;
  if (slot === null || !unlessAnswered) return takeBackup(order, deps, options);
  const answers = await lookForAnswers(slot, deps, options.signal);
  for (const [{ store }, { id, host }] of answers) {
    deps.observe({ kind: 'slot-answered', slot, store: store.name, id, host });
  }
  const shelves = deps.shelves.filter((shelf) => !answers.has(shelf));
  const [answer] = answers.values();
  if (shelves.length > 0 || answer === undefined) {
    return takeBackup(order, { ...deps, shelves }, options);
  }
  return { result: 'answered', id: answer.id, failures: new Map() };
}

/** What a store may take to tell what it holds. The backup shall not wait for one that hangs. */
const lookLimitMs = 30_000;

async function lookForAnswers(
  slot: Date,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<ReadonlyMap<Shelf, Manifest>> {
  const answers = new Map<Shelf, Manifest>();
  const cluster = await identifyCluster(deps, signal);
  if (cluster === undefined) return answers;
  const late = new AbortController();
  const limit = setTimeout(() => late.abort(tooLate()), lookLimitMs);
  const either = AbortSignal.any([signal, late.signal]);
  await Promise.all(
    deps.shelves
      .filter(({ shared }) => shared)
      .map(async (shelf) => {
        try {
          const catalog = deps.openCatalog(shelf.store, cluster);
          const { backups } = await takeStock(catalog, deps, either);
          const answer = answerTo(slot, backups.filter(trusts(deps.trust)), deps.now());
          if (answer !== undefined) answers.set(shelf, answer);
        } catch (error) {
          // A store that cannot be read is a reason for a backup, which will tell more.
          const failure = toFailure(error, 'store-failed');
          const store = shelf.store.name;
          if (!signal.aborted) deps.observe({ kind: 'catalog-unreadable', store, failure });
        }
      }),
  );
  clearTimeout(limit);
  signal.throwIfAborted();
  return answers;
}

/**
 * A proved backup of the slot, or of one that has come since: whoever was held up for a while has
 * nothing to add. A slot later than the clock shows is a wrong clock; so is a revision below that
 * of a backup from before the slot, for what was dated ahead long ago. Both are no answers.
 */
export function answerTo(
  slot: Date,
  backups: readonly Manifest[],
  now: Date,
): Manifest | undefined {
  const good = backups.filter(isProved);
  const before = good.filter(({ startedAt }) => startedAt < slot);
  return good.findLast((manifest) => {
    const of = manifest.slot?.getTime() ?? 0;
    const hasCome = of === slot.getTime() || (of > slot.getTime() && of <= now.getTime());
    return hasCome && before.every(({ revision }) => revision <= manifest.revision);
  });
}

function tooLate(): Failure {
  return new Failure('timed-out', `the store did not tell within ${lookLimitMs / 1000} s`);
}
