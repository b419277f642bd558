/**
 * The folder that snapshots are drained into. A spool file is private (0600), unique, counted
 * against the free space before it is made, and removed when its run ends, however it ends. A file
 * carries the process that writes it in its name, so that the leftovers of a killed process are
 * told from the files of a living one.
 */
import { mkdir, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, systemCode } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { spoolFailure } from './failure.ts';
import { SpoolFile } from './file.ts';

export interface SpoolSettings {
  readonly dir: string;
  /** A snapshot larger than this is refused; 0 means no limit. */
  readonly maxBytes: number;
}

export interface Spool {
  /** Throws `spool-full` when `expectedBytes` would not fit, `spool-failed` on other faults. */
  create(expectedBytes: number): Promise<SpoolFile>;
  /** Removes what dead processes left behind; returns the names. */
  sweep(): Promise<string[]>;
}

/** What must stay free beside the snapshot, so that the disk's other users are not starved. */
const reserveBytes = 64 * 1024 * 1024;

const namePattern = /^snapshot-(\d+)-(\d+)-\d+\.part$/;

export function openSpool(settings: SpoolSettings): Spool {
  let made = 0;
  return {
    create: async (expectedBytes) => {
      await makeFolder(settings.dir);
      await requireSpace(settings, expectedBytes);
      made += 1;
      const started = (await startOf(process.pid)) ?? '0';
      const path = join(settings.dir, `snapshot-${process.pid}-${started}-${made}.part`);
      try {
        return await SpoolFile.create(path);
      } catch (error) {
        throw spoolFailure(error, `create ${path}`);
      }
    },
    sweep: async () => sweepFolder(settings.dir),
  };
}

async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw spoolFailure(error, `make the spool folder ${dir}`);
  }
}

async function requireSpace(settings: SpoolSettings, expectedBytes: number): Promise<void> {
  const { dir, maxBytes } = settings;
  const needs = `the snapshot needs ${formatBytes(expectedBytes)}`;
  if (maxBytes > 0 && expectedBytes > maxBytes) {
    const limit = `spool.maxBytes is ${formatBytes(maxBytes)}`;
    throw new Failure('spool-full', `${needs}, ${limit}`, { context: { dir, expectedBytes } });
  }
  const disk = await statfs(dir).catch((error) => {
    throw spoolFailure(error, `ask for the free space of ${dir}`);
  });
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes < expectedBytes + reserveBytes) {
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
    const owner = namePattern.exec(name);
    if (owner === null) continue;
    if ((await startOf(Number(owner[1]))) === owner[2]) continue;
    await rm(join(dir, name), { force: true });
    swept.push(name);
  }
  return swept;
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
