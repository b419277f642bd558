import { readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { etcdCache } from './binaries.ts';
import { prepareApt } from './packages.ts';
import { isExecutable, run, whichProgram } from './program.ts';

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
    const debs = await download(suite, workDir);
    const version = /^radosgw_([\d.]+)/m.exec((await readdir(debs)).join('\n'))?.[1];
    if (version === undefined) throw new Error(`${suite} has no radosgw`);
    const next = join(workDir, 'root');
    await unpack(debs, next);
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

async function download(suite: CephSuite, workDir: string): Promise<string> {
  const status = join(workDir, 'status');
  // Of a machine that has nothing, so that whatever the servers need comes along.
  await writeFile(status, '');
  const options = [
    ...(await prepareApt(workDir, [suite])),
    `-oDir::State::status=${status}`,
    '-oAPT::Install-Recommends=false',
    '-oAcquire::Retries=3',
  ];
  await run('apt-get', [...options, 'update']);
  const wanted = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'];
  await run('apt-get', [...options, 'install', '--yes', '--download-only', ...wanted]);
  return join(workDir, 'cache', 'archives');
}

async function unpack(debs: string, root: string): Promise<void> {
  // Made first: older packages still name these folders, which are links today.
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(join('usr', name), join(root, name));
  }
  const script = 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"';
  const packages = (await readdir(debs)).filter((name) => name.endsWith('.deb'));
  for (const name of packages) {
    await run('sh', ['-c', script, 'sh', join(debs, name), root]);
  }
  for (const name of ['proc', 'dev', 'tmp', 'run', 'etc']) {
    await mkdir(join(root, name), { recursive: true });
  }
  await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  await writeFile(join(root, 'etc', 'group'), 'root:x:0:\n');
  await writeFile(join(root, 'etc', 'hosts'), '127.0.0.1 localhost\n');
  await cp('/etc/os-release', join(root, 'etc', 'os-release'), { dereference: true });
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
