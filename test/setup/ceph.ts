import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { etcdCache } from './binaries.ts';
import { isExecutable, whichProgram } from './program.ts';
import { downloadPackages, unpackPackages } from './unpacked.ts';

/**
 * Brings real Ceph servers, for tests of S3, into the cache folder beside etcd's: packages of the
 * distribution with everything that they need, unpacked and never installed.
 *
 *     node test/setup/ceph.ts
 */
export interface CephPackages {
  readonly suite: CephSuite;
  readonly version: string;
  /** A root directory to change to. Never written to after it was made. */
  readonly root: string;
}

/** The newest one that there is, and one that knows no checksums. */
export const cephSuites = ['sid', 'trixie'] as const;
export type CephSuite = (typeof cephSuites)[number];

const wanted = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'];

/** What the cache holds of a suite. */
export function findCeph(suite: CephSuite): CephPackages | undefined {
  for (const name of folderNames(cacheOf(suite)).toSorted().toReversed()) {
    const root = join(cacheOf(suite), name);
    if (!name.startsWith('.') && isExecutable(join(root, 'usr', 'bin', 'radosgw'))) {
      return { suite, version: name, root };
    }
  }
  return undefined;
}

/** The packages of a suite, brought now if the cache has none. */
export async function bringCeph(suite: CephSuite): Promise<CephPackages> {
  const here = findCeph(suite);
  if (here !== undefined) return here;
  if (whichProgram('apt-get', process.env) === undefined) throw new Error('no apt-get here');
  const began = performance.now();
  process.stderr.write(`ceph: fetching the packages of ${suite} (half a minute)\n`);
  await mkdir(cacheOf(suite), { recursive: true });
  const workDir = await mkdtemp(join(cacheOf(suite), '.new-'));
  try {
    const debs = await downloadPackages(wanted, suite, workDir);
    const version = /^radosgw_([\d.]+)/m.exec((await readdir(debs)).join('\n'))?.[1];
    if (version === undefined) throw new Error(`${suite} has no radosgw`);
    const next = join(workDir, 'root');
    await unpackPackages(debs, next);
    const root = join(cacheOf(suite), version);
    // Another run may have been faster; then its folder is whole.
    await rename(next, root).catch(() => undefined);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stderr.write(`ceph: ${version} of ${suite} in ${seconds} s\n`);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  const brought = findCeph(suite);
  if (brought === undefined) throw new Error(`the packages of ${suite} brought no radosgw`);
  return brought;
}

function cacheOf(suite: CephSuite): string {
  return join(dirname(etcdCache()), 'ceph', suite);
}

function folderNames(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    // No cache yet is an empty cache.
    return [];
  }
}

if (import.meta.main) {
  for (const suite of cephSuites) {
    const { version, root } = await bringCeph(suite);
    process.stdout.write(`${version.padEnd(9)} ${root}\n`);
  }
}
