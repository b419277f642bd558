/** Folders and disks to restore into, and small data directories in them. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Building } from '../../../src/datadir/building.ts';
import { examinePlace } from '../../../src/datadir/place.ts';
import { newCluster } from '../../../src/format/new-cluster.ts';
import { walFileName, walRecords } from '../../../src/format/wal-file.ts';
import { withTrailer, writeBbolt } from '../../support/bbolt.ts';
import { clusterBuckets } from '../format/cluster-bytes.ts';
import { historyOf, pairsOf } from '../format/history.ts';

export const MiB = 1024 * 1024;

/** A folder for one test; removed when the test ends. */
export function ground(): string {
  const path = mkdtempSync(join(tmpdir(), 'etcd-backupd-datadir-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Mounts at a folder, which is made; unmounted when the test ends. */
export function mounted(path: string, words: readonly string[]): string {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', [...words, path], { stdio: 'pipe' });
  onTestFinished(() => {
    execFileSync('umount', [path], { stdio: 'pipe' });
  });
  return path;
}

export function smallDisk(path: string, bytes = 400 * MiB): string {
  return mounted(path, ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs']);
}

export function canMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), 'etcd-backupd-datadir-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', path]);
  if (status === 0) spawnSync('umount', [path]);
  else console.warn('nothing can be mounted here, so no mount point is tested');
  rmSync(path, { recursive: true });
  return status === 0;
}

export const isRoot = process.geteuid?.() === 0;

const members = [{ name: 'm1', peerUrls: ['http://127.0.0.1:2380'] }];

export function clusterOf(token: string) {
  return newCluster(members, token);
}

/** A data directory as a member leaves it, so far as our code looks at it. */
export function oldData(dir: string, token = 'old'): void {
  const cluster = clusterOf(token);
  mkdirSync(join(dir, 'member', 'snap'), { recursive: true });
  mkdirSync(join(dir, 'member', 'wal'));
  writeFileSync(join(dir, 'member', 'snap', 'db'), `database of ${token}`);
  const wal = walRecords(cluster, cluster.members[0]?.id ?? 0n);
  writeFileSync(join(dir, 'member', 'wal', walFileName), wal);
}

/** What `oldData` has made says which it is; undefined for anything else. */
export function dataAt(dir: string): string | undefined {
  const path = join(dir, 'member', 'snap', 'db');
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, 'latin1');
  return /^database of (\w+)$/.exec(text)?.[1] ?? 'restored';
}

const database = writeBbolt({
  ...clusterBuckets(),
  key: pairsOf(historyOf([[{ put: '/a', value: 'first' }], [{ put: '/b', value: 'second' }]])),
}).bytes;

/** A building for what is to be at `dir`, finished up to its swap. */
export async function built(dir: string): Promise<Building> {
  const place = await examinePlace(dir);
  const snapshot = withTrailer(database);
  const building = await Building.begin(place, snapshot.length);
  onTestFinished(() => building[Symbol.asyncDispose]());
  await building.database.append([snapshot]);
  await building.database.flush();
  const as = { bumpRevision: null, clearAlarms: false, forgetVersions: false };
  await building.become('m1', { ...as, cluster: clusterOf('new') }, database.length);
  await building.settle(place.owner);
  return building;
}

/** What lies in the folder, sorted, with the time in names left out. */
export function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => name.replace(/\d{8}T\d{6}Z/, 'TIME'))
    .toSorted();
}

/** Mode and owner of everything below, by path. */
export function rightsBelow(folder: string): Record<string, string> {
  const names = ['.', ...readdirSync(folder, { recursive: true }).map(String)];
  return Object.fromEntries(
    names.toSorted().map((name) => {
      const { mode, uid, gid } = lstatSync(join(folder, name));
      return [name, `${(mode & 0o7777).toString(8)} ${uid}:${gid}`];
    }),
  );
}
