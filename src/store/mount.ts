/**
 * Which disk a directory is on. A backup disk that is not mounted leaves an ordinary empty
 * directory behind: writing there fills the disk below, and listing there shows no backups.
 */
import { readFile, realpath, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Mount {
  readonly point: string;
  /** `nfs4`, `ext4`, `autofs`... */
  readonly type: string;
  /** `server:/export`, `/dev/sdb1`... */
  readonly source: string;
  /** Of the mount and of its file system: `rw`, `hard`, `vers=4.2`... */
  readonly options: readonly string[];
}

/** The mount point of the file system that holds `path`. */
export async function mountPointOf(path: string): Promise<string> {
  const points = await mountPoints();
  let point = await realpath(path);
  while (!(await isPoint(point, points))) point = dirname(point);
  return point;
}

/**
 * Bind mounts count where the system lists its mounts. A mount point of the automounter counts
 * once its disk is mounted, for which this is the occasion.
 */
export async function isMountPoint(path: string): Promise<boolean> {
  await stat(`${path}/.`);
  return isPoint(await realpath(path), await mountPoints());
}

/** The mount that holds `path`, where the system lists its mounts. */
export async function mountOf(path: string): Promise<Mount | undefined> {
  const point = await mountPointOf(path);
  return (await readMounts())?.findLast((mount) => mount.point === point);
}

// The same for every version of the protocol.
const nfsMagic = 0x6969;

/** Asked of the file system itself: it holds for automounts, links and folders below alike. */
export async function isOnNfs(path: string): Promise<boolean> {
  return (await statfs(`${path}/.`)).type === nfsMagic;
}

/** The lines of `/proc/self/mountinfo`, in which later mounts may cover earlier ones. */
export function parseMounts(text: string): readonly Mount[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [about = '', below = ''] = line.split(' - ');
    const [, , , , point = '', own = ''] = about.split(' ');
    const [type = '', source = '', shared = ''] = below.split(' ');
    const options = [...own.split(','), ...shared.split(',')];
    return { point: plain(point), type, source: plain(source), options };
  });
}

// Blanks and backslashes stand there as three octal digits.
function plain(escaped: string): string {
  return escaped.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

async function readMounts(): Promise<readonly Mount[] | undefined> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseMounts(text);
}

async function mountPoints(): Promise<ReadonlySet<string> | undefined> {
  const mounts = await readMounts();
  return mounts && new Set(mounts.filter(({ type }) => type !== 'autofs').map((m) => m.point));
}

async function isPoint(path: string, points: ReadonlySet<string> | undefined): Promise<boolean> {
  const parent = dirname(path);
  if (parent === path) return true;
  if (points !== undefined) return points.has(path);
  // Without a list bind mounts of the same file system do not show: their device is the parent's.
  const [here, above] = await Promise.all([stat(path), stat(parent)]);
  return here.dev !== above.dev;
}
