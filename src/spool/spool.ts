/**
 * The folder that snapshots are drained into, and that drills have their scratch folders in. What
 * is made there is private, unique, counted against the free space before it is made, and removed
 * when its run ends, however it ends. It carries the process that made it in its name, so that the
 * leftovers of a killed process are told from the work of a living one.
 */
import { mkdir, readdir, readFile, realpath, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, systemCode } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { spoolFailure } from './failure.ts';
import { SpoolFile } from './file.ts';
import { endEtcdIn } from './orphans.ts';

export interface SpoolSettings {
  readonly dir: string;
  /** A snapshot larger than this is refused; 0 means no limit. */
  readonly maxBytes: number;
}

export interface Spool {
  /**
   * Throws `spool-full` when so many files of `expectedBytes` would not fit, `spool-failed` on
   * other faults.
   */
  create(expectedBytes: number, files?: number): Promise<SpoolFile>;
  /** A folder for a drill of a snapshot; throws as `create` does. */
  scratch(snapshotBytes: number): Promise<ScratchFolder>;
  /** Removes what dead processes left behind, and ends what still runs in it; returns the names. */
  sweep(): Promise<string[]>;
}

export interface ScratchFolder extends AsyncDisposable {
  /** Without symbolic links. */
  readonly path: string;
}

/** What must stay free beside the snapshot, so that the disk's other users are not starved. */
const reserveBytes = 64 * 1024 * 1024;

/** What an etcd writes beside its database when it starts: two files of its log, and some more. */
const etcdBytes = 192 * 1024 * 1024;

const filePattern = /^snapshot-(\d+)-(\d+)-\d+\.part$/;
const scratchPattern = /^drill-(\d+)-(\d+)-\d+$/;

export function openSpool(settings: SpoolSettings): Spool {
  let made = 0;
  const nextName = async (): Promise<string> => {
    made += 1;
    return `${process.pid}-${(await startOf(process.pid)) ?? '0'}-${made}`;
  };
  return {
    create: async (expectedBytes, files = 1) => {
      await makeFolder(settings.dir);
      const besideBytes = expectedBytes * (files - 1);
      await requireSpace(settings, expectedBytes, { name: 'its sealed copy', besideBytes });
      const path = join(settings.dir, `snapshot-${await nextName()}.part`);
      try {
        return await SpoolFile.create(path);
      } catch (error) {
        throw spoolFailure(error, `create ${path}`);
      }
    },
    scratch: async (snapshotBytes) => {
      await makeFolder(settings.dir);
      await requireSpace(settings, snapshotBytes, { name: 'its etcd', besideBytes: etcdBytes });
      return makeScratch(join(await realpath(settings.dir), `drill-${await nextName()}`));
    },
    sweep: async () => sweepFolder(settings.dir),
  };
}

async function makeScratch(path: string): Promise<ScratchFolder> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    throw spoolFailure(error, `make ${path}`);
  }
  return { path, [Symbol.asyncDispose]: () => removeAll(path) };
}

async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw spoolFailure(error, `make the spool folder ${dir}`);
  }
}

async function requireSpace(
  { dir, maxBytes }: SpoolSettings,
  expectedBytes: number,
  { name, besideBytes }: { readonly name: string; readonly besideBytes: number },
): Promise<void> {
  const beside = besideBytes === 0 ? '' : ` and ${name} ${formatBytes(besideBytes)}`;
  const needs = `the snapshot needs ${formatBytes(expectedBytes)}${beside}`;
  if (maxBytes > 0 && expectedBytes > maxBytes) {
    const limit = `spool.maxBytes is ${formatBytes(maxBytes)}`;
    throw new Failure('spool-full', `${needs}, ${limit}`, { context: { dir, expectedBytes } });
  }
  const disk = await statfs(dir).catch((error) => {
    throw spoolFailure(error, `ask for the free space of ${dir}`);
  });
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes < expectedBytes + besideBytes + reserveBytes) {
    const reserved = `${formatBytes(reserveBytes)} stay free`;
    const has = `${dir} has ${formatBytes(freeBytes)} free (${reserved})`;
    throw new Failure('spool-full', `${needs}, ${has}`, { context: { dir, expectedBytes } });
  }
}

async function sweepFolder(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw spoolFailure(error, `read the spool folder ${dir}`);
  });
  const swept: string[] = [];
  for (const name of names) {
    const owner = filePattern.exec(name) ?? scratchPattern.exec(name);
    if (owner === null) continue;
    if ((await startOf(Number(owner[1]))) === owner[2]) continue;
    if (scratchPattern.test(name)) await endEtcdIn(join(dir, name));
    await removeAll(join(dir, name));
    swept.push(name);
  }
  return swept;
}

function removeAll(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * When a process started, in clock ticks after boot, or undefined when none has that number. A
 * number alone does not do: after a restart in a container the new process often has the old one.
 */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // Fields are counted behind the command's name, which may hold blanks and brackets itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
