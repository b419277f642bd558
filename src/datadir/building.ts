/**
 * A data directory that is being made, beside the place where it is to be. Nothing of it has a name
 * that etcd would start from until it is whole and on the disk.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, type FileHandle, mkdir, open, readdir, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import type { AppendedPages, Write } from '../format/append-pages.ts';
import { fileSource } from '../format/file-source.ts';
import type { NewCluster } from '../format/new-cluster.ts';
import { type RestoredAs, restoredDatabase } from '../format/restored-database.ts';
import { snapFileBytes, snapFileName } from '../format/snap-file.ts';
import { walFileBytes, walFileName, walRecords } from '../format/wal-file.ts';
import { SpoolFile } from '../spool/file.ts';
import { datadirFailure } from './failure.ts';
import type { Owner, Place } from './place.ts';

export const buildingMark = '.restoring-';

/** What must stay free beside the database: log, appended pages, and the disk's other users. */
const reserveBytes = 128 * 1024 * 1024;

export class Building implements AsyncDisposable {
  /** Holds `member`; becomes the data directory, or gives it its `member`. */
  readonly root: string;
  /** The database of the member: takes the snapshot as it comes. */
  readonly database: SpoolFile;
  /** Held open: by it other restores see that this one lives. */
  readonly #sign: FileHandle;

  private constructor(root: string, database: SpoolFile, sign: FileHandle) {
    this.root = root;
    this.database = database;
    this.#sign = sign;
  }

  /** Throws `restore-full` when `snapshotBytes` would not fit. */
  static async begin(place: Place, snapshotBytes: number): Promise<Building> {
    const root = `${baseOf(place)}${buildingMark}${randomBytes(4).toString('hex')}`;
    await requireSpace(dirname(root), snapshotBytes);
    let sign: FileHandle | undefined;
    try {
      await mkdir(root, { mode: 0o700 });
      sign = await open(root, 'r');
      await mkdir(join(root, 'member', 'snap'), { recursive: true, mode: 0o700 });
      await mkdir(join(root, 'member', 'wal'), { mode: 0o700 });
      return new Building(root, await SpoolFile.create(databasePath(root)), sign);
    } catch (error) {
      await sign?.close();
      await rm(root, { recursive: true, force: true }).catch(() => undefined);
      throw datadirFailure(error, `make ${root}`);
    }
  }

  /**
   * Turns the snapshot, which must have been proved, into the database of `member`, and writes its
   * log beside it.
   */
  async become(memberName: string, as: RestoredAs, databaseBytes: number): Promise<void> {
    const member = as.cluster.members.find(({ name }) => name === memberName);
    if (member === undefined) {
      throw new Failure('usage', `${memberName} is not among the members of the initial cluster`);
    }
    try {
      await this.database.release();
      await alterFile(databasePath(this.root), databaseBytes, as);
      await writeLog(join(this.root, 'member'), as.cluster, member.id);
    } catch (error) {
      throw datadirFailure(error, `write ${this.root}`);
    }
  }

  /** Gives everything to `owner` and to nobody else, and returns when it is on the disk. */
  async settle(owner: Owner): Promise<void> {
    try {
      await handOver(this.root, owner);
      await syncFolder(dirname(this.root));
    } catch (error) {
      throw datadirFailure(error, `hand over and sync ${this.root}`);
    }
  }

  /** Removes what is there; nothing once it has been renamed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.release().catch(() => undefined);
    await this.#sign.close();
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Names of what a restore makes begin with this; they lie on one file system with the place. */
export function baseOf({ dir, isMountPoint }: Place): string {
  return isMountPoint ? join(dir, 'member') : dir;
}

function databasePath(root: string): string {
  return join(root, 'member', 'snap', 'db');
}

async function requireSpace(folder: string, snapshotBytes: number): Promise<void> {
  const disk = await statfs(folder).catch((error) => {
    throw datadirFailure(error, `ask for the free space of ${folder}`);
  });
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes >= snapshotBytes + reserveBytes) return;
  const needs = `the restore needs ${formatBytes(snapshotBytes + reserveBytes)}`;
  throw new Failure('restore-full', `${needs}, ${folder} has ${formatBytes(freeBytes)} free`);
}

/** New pages first, and only when they are on the disk the meta page that puts them in force. */
async function alterFile(path: string, databaseBytes: number, as: RestoredAs): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.truncate(databaseBytes);
    const changes = changesTo(path, databaseBytes, as);
    await handle.truncate(changes.sizeBytes);
    for (const write of changes.pages) await writeWhole(handle, write);
    await handle.datasync();
    await writeWhole(handle, changes.meta);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function changesTo(path: string, databaseBytes: number, as: RestoredAs): AppendedPages {
  using source = fileSource(path);
  return restoredDatabase(source, databaseBytes, as);
}

async function writeLog(memberDir: string, cluster: NewCluster, memberId: bigint): Promise<void> {
  const wal = { position: 0, bytes: walRecords(cluster, memberId) };
  await writeFileSynced(join(memberDir, 'wal', walFileName), wal, walFileBytes);
  const snap = { position: 0, bytes: snapFileBytes(cluster) };
  await writeFileSynced(join(memberDir, 'snap', snapFileName(cluster)), snap, snap.bytes.length);
}

async function writeFileSynced(path: string, content: Write, sizeBytes: number): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.truncate(sizeBytes);
    await writeWhole(handle, content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeWhole(handle: FileHandle, { position, bytes }: Write): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const left = bytes.byteLength - at;
    at += (await handle.write(bytes, at, left, position + at)).bytesWritten;
  }
}

/** Folders are synced after what is in them: no entry may outlive its file. */
async function handOver(path: string, owner: Owner): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) await handOver(inner, owner);
    else await own(inner, 0o600, owner);
  }
  await own(path, 0o700, owner);
  await syncFolder(path);
}

async function own(path: string, mode: number, { uid, gid }: Owner): Promise<void> {
  await chmod(path, mode);
  await chown(path, uid, gid);
}

export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
