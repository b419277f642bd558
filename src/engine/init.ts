/**
 * The start of a member from a backup, made to be called before every start of etcd: it restores
 * into an empty data directory, once, and leaves one that holds data alone.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, toFailure } from '../core/errors.ts';
import type { RestoreOrder, RestoreReport } from '../core/restore.ts';
import { initRecordPath, readInitRecord, writeInitRecord } from '../datadir/init-record.ts';
import { examinePlace, type Place, requireWithin } from '../datadir/place.ts';
import { holderOf } from '../datadir/running.ts';
import { recoverPlace } from '../datadir/swap.ts';
import type { Wanted } from './candidates.ts';
import type { RestoreDeps } from './deps.ts';
import { restoreBackup } from './restore.ts';

export interface InitReport {
  /** Null: the data directory was left alone. */
  readonly restored: RestoreReport | null;
  readonly reason: string;
}

/**
 * Looks at the directory first: `choose` reads stores, which a restart must not depend on. With
 * `joins` an empty directory stays empty.
 */
export async function initDataDir(
  dataDir: string,
  choose: () => Promise<{ wanted: Wanted; order: RestoreOrder } | null>,
  deps: RestoreDeps,
  options: { readonly signal: AbortSignal; readonly joins?: boolean },
): Promise<InitReport> {
  const { roots } = deps.restore;
  if (roots.length > 0) await requireWithin(dataDir, roots);
  await recoverPlace(await examinePlace(dataDir));
  const place = await examinePlace(dataDir);
  if (place.state === 'member') return { restored: null, reason: await validate(place, deps) };
  // Its peers have newer data than any backup, and would never take it for one of them.
  if (options.joins === true) return { restored: null, reason: joining };
  const record = await readInitRecord(place);
  if (record !== undefined) throw lostSince(place, record);
  const chosen = await choose();
  if (chosen === null) return { restored: null, reason: 'there is no backup to start from' };
  const order = bound(chosen.order, chosen.wanted.backup);
  const restored = await restoreBackup(chosen.wanted, order, alone(deps), options);
  const at = deps.now().toISOString();
  await writeInitRecord(place, `restored from backup ${restored.backup} at ${at}`);
  return { restored, reason: 'the data directory was empty' };
}

const joining = 'the member joins a cluster that is there, and gets its data from it';

/**
 * Every host of a cluster chooses for itself here. Members that began from different backups under
 * one token would take each other for what they are not: so the backup is part of the token, and
 * no host of several falls back to another one.
 */
function bound(order: RestoreOrder, backup: Wanted['backup']): RestoreOrder {
  const { member } = order;
  const initialClusterToken = `${member.initialClusterToken}.${backup}`;
  const isAlone = member.initialCluster.length === 1;
  const fallback = order.fallback && isAlone;
  return { ...order, fallback, member: { ...member, initialClusterToken } };
}

/** Its caller starts etcd next: programs that stop and start it would wait for that caller. */
function alone(deps: RestoreDeps): RestoreDeps {
  return { ...deps, restore: { ...deps.restore, before: [], after: [] } };
}

/** Throws `restore-refused` for data that no etcd could start from. */
async function validate(place: Place, deps: RestoreDeps): Promise<string> {
  const { dir, identity } = place;
  const holder = await holderOf(dir);
  if (holder !== undefined) return `${dir} is in use: ${holder}`;
  if (identity === undefined) throw unusable(dir, 'its write-ahead log cannot be read');
  const path = join(dir, 'member', 'snap', 'db');
  try {
    const { size } = await stat(path);
    await using prover = deps.prove({ path });
    const { facts } = await prover.finish(size);
    const whose = `member ${identity.member} of cluster ${identity.cluster}`;
    return `${dir} holds ${whose}, revision ${facts.currentRevision}, and its database is sound`;
  } catch (error) {
    throw unusable(dir, toFailure(error).message);
  }
}

function unusable(dir: string, reason: string): Failure {
  return new Failure('restore-refused', `${dir} holds data that is damaged: ${reason}`, {
    hint: 'It was left as it is. Move it away to start from a backup, or use "restore".',
  });
}

function lostSince(place: Place, record: string): Failure {
  return new Failure('restore-refused', `${place.dir} is empty, but was ${record}`, {
    hint:
      'Find out where its data is. If it is lost, a member can be replaced ("member replace"); ' +
      `to start from a backup once more, remove ${initRecordPath(place)}.`,
  });
}
