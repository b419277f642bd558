/**
 * Names of backups and of the objects that hold them. Names sort by time as text because every
 * part is padded; nothing may order backups by anything but the time in the manifest all the same.
 */
import type { BackupId, ClusterId, Revision } from './backup.ts';
import { Failure } from './errors.ts';

/** A name inside a store: segments of `[A-Za-z0-9._-]`, joined by `/`, none of them dots only. */
export type ObjectName = string & { readonly __objectName: never };

const revisionDigits = 17;
const idPattern = /^\d{8}T\d{6}Z-r\d{17,19}(-[a-z0-9]{4})?$/;
const stemPattern = /^\d{8}T\d{6}Z(-r\d{17,19})?(-[a-z0-9]{4})?$/;
const segmentPattern = /^(?!\.+$)[A-Za-z0-9._-]{1,255}$/;

/** The id of a backup started at `startedAt`; `suffix` (4 of `[a-z0-9]`) avoids a collision. */
export function composeBackupId(startedAt: Date, revision: Revision, suffix?: string): BackupId {
  const id = `${compactTime(startedAt)}-r${revision.toString().padStart(revisionDigits, '0')}`;
  return parseBackupId(suffix === undefined ? id : `${id}-${suffix}`);
}

/** A backup id from text given by a person or a file name. Throws `backup-missing` on others. */
export function parseBackupId(text: string): BackupId {
  if (!idPattern.test(text)) {
    throw new Failure('backup-missing', `not a backup id: ${JSON.stringify(text.slice(0, 100))}`);
  }
  return text as BackupId;
}

/** A checked object name: no empty, hidden-by-dots or over-long segment can leave the store. */
export function objectName(text: string): ObjectName {
  const segments = text.split('/');
  if (text.length > 1000 || !segments.every((segment) => segmentPattern.test(segment))) {
    throw new Failure('internal', `not an object name: ${JSON.stringify(text.slice(0, 100))}`);
  }
  return text as ObjectName;
}

/**
 * What the names of a backup and of its data share: the id without its revision, which nobody knows
 * yet when the data sets out for the stores.
 */
export type BackupStem = string & { readonly __backupStem: never };

/** `20261120T154500Z-k3f9`, of a backup started at `startedAt`. */
export function composeStem(startedAt: Date, suffix: string): BackupStem {
  return `${compactTime(startedAt)}-${suffix}` as BackupStem;
}

function stemOf(id: BackupId | BackupStem): BackupStem {
  // As many digits as a revision has: a suffix may look like a short one.
  return id.replace(/-r\d{17,19}/, '') as BackupStem;
}

/** What the data of a backup may be named by: data of earlier versions has the whole id. */
export function stemsOf(id: BackupId): readonly BackupStem[] {
  return [stemOf(id), id as string as BackupStem];
}

function compactTime(at: Date): string {
  return at.toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

/** `<cluster id>/<backup id>.json` */
export function manifestName(cluster: ClusterId, id: BackupId): ObjectName {
  return objectName(`${cluster}/${id}.json`);
}

/** What a name ends with, so that the standard tools know how to open the object. */
export type SealSuffix = `${'' | '.gz' | '.zst'}${'' | '.age'}`;

/** `<cluster id>/<stem>.db[.gz|.zst][.age]`, of a backup's id or its stem. */
export function dataName(
  cluster: ClusterId,
  of: BackupId | BackupStem,
  suffix: SealSuffix = '',
): ObjectName {
  return objectName(`${dataPrefix(cluster, stemOf(of))}${suffix}`);
}

/** What the names of a backup's data begin with, however it is sealed. */
export function dataPrefix(cluster: ClusterId, stem: BackupStem): string {
  return `${cluster}/${stem}.db`;
}

/** What the names of the manifests with that stem begin with. */
export function manifestPrefix(cluster: ClusterId, stem: BackupStem): string {
  return `${cluster}/${stem.split('-')[0]}-r`;
}

export type ParsedName = { readonly cluster: ClusterId } & (
  | { readonly kind: 'manifest'; readonly id: BackupId }
  | { readonly kind: 'data'; readonly stem: BackupStem }
);

/** What an object of the catalog is, or undefined when it is nothing of ours. */
export function parseObjectName(name: string): ParsedName | undefined {
  const match = /^([0-9a-f]{16})\/([^/.]+)\.(json|db(?:\.gz|\.zst)?(?:\.age)?)$/.exec(name);
  const cluster = match?.[1] as ClusterId;
  const stem = match?.[2] ?? '';
  if (match?.[3] === 'json') {
    return idPattern.test(stem) ? { cluster, kind: 'manifest', id: stem as BackupId } : undefined;
  }
  return stemPattern.test(stem) ? { cluster, kind: 'data', stem: stem as BackupStem } : undefined;
}

/** The id of the backup whose manifest has that name; undefined of all else. */
export function manifestId(name: string): BackupId | undefined {
  const parsed = parseObjectName(name);
  return parsed?.kind === 'manifest' ? parsed.id : undefined;
}
