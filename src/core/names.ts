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
const segmentPattern = /^(?!\.+$)[A-Za-z0-9._-]{1,255}$/;

/** The id of a backup started at `startedAt`; `suffix` (4 of `[a-z0-9]`) avoids a collision. */
export function composeBackupId(startedAt: Date, revision: Revision, suffix?: string): BackupId {
  const time = startedAt.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const id = `${time}-r${revision.toString().padStart(revisionDigits, '0')}`;
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

/** `<cluster id>/<backup id>.json` */
export function manifestName(cluster: ClusterId, id: BackupId): ObjectName {
  return objectName(`${cluster}/${id}.json`);
}

/** What a name ends with, so that the standard tools know how to open the object. */
export type SealSuffix = `${'' | '.gz' | '.zst'}${'' | '.age'}`;

/** `<cluster id>/<backup id>.db[.gz|.zst][.age]` */
export function dataName(cluster: ClusterId, id: BackupId, suffix: SealSuffix = ''): ObjectName {
  return objectName(`${dataStem(cluster, id)}${suffix}`);
}

/** What the names of a backup's data begin with, however it is sealed. */
export function dataStem(cluster: ClusterId, id: BackupId): string {
  return `${cluster}/${id}.db`;
}

/** What an object of the catalog is, or undefined when it is nothing of ours. */
export function parseObjectName(
  name: string,
): { cluster: ClusterId; id: BackupId; kind: 'manifest' | 'data' } | undefined {
  const match = /^([0-9a-f]{16})\/([^/.]+)\.(json|db(?:\.gz|\.zst)?(?:\.age)?)$/.exec(name);
  if (match === null || !idPattern.test(match[2] ?? '')) return undefined;
  return {
    cluster: match[1] as ClusterId,
    id: match[2] as BackupId,
    kind: match[3] === 'json' ? 'manifest' : 'data',
  };
}
