import { cpSync, existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { etcdCache } from './binaries.ts';
import { prepareApt } from './packages.ts';
import { run, whichProgram } from './program.ts';

/**
 * Brings what a file system in a program needs (FUSE, for Python), for tests of mounts with faults,
 * into the cache folder beside etcd's: packages of the distribution, unpacked and never installed.
 *
 *     node test/setup/fuse.ts
 */
export interface FusePackages {
  /** The machine's own. */
  readonly python: string;
  /** What it has to be run with. */
  readonly env: { readonly PYTHONPATH: string; readonly FUSE_LIBRARY_PATH: string };
}

/** The packages, brought now if the cache has none. */
export async function bringFuse(): Promise<FusePackages> {
  if (!existsSync('/dev/fuse')) throw new Error('no /dev/fuse here');
  const python = whichProgram('python3', process.env);
  if (python === undefined) throw new Error('no python3 here');
  if (!isComplete()) await fetchPackages();
  const library = readdirSync(cache()).find((name) => name.startsWith('libfuse.so.2')) ?? '';
  const env = { PYTHONPATH: cache(), FUSE_LIBRARY_PATH: join(cache(), library) };
  return { python, env };
}

async function fetchPackages(): Promise<void> {
  if (whichProgram('apt-get', process.env) === undefined) throw new Error('no apt-get here');
  process.stderr.write('fuse: fetching its packages (some seconds)\n');
  await mkdir(dirname(cache()), { recursive: true });
  const workDir = await mkdtemp(join(dirname(cache()), '.new-'));
  try {
    const options = [...(await prepareApt(workDir, ['bookworm'])), '-oAcquire::Retries=3'];
    await run('apt-get', [...options, 'update']);
    const fetch = (name: string) =>
      run('apt-get', [...options, 'download', name], { cwd: workDir });
    await fetch('python3-fusepy');
    // Renamed where time has 64 bits.
    await fetch('libfuse2').catch(() => fetch('libfuse2t64'));
    const root = join(workDir, 'root');
    for (const name of await readdir(workDir)) {
      if (name.endsWith('.deb')) await run('dpkg-deb', ['--extract', join(workDir, name), root]);
    }
    const wanted = /^(fusepy\.py|fuse\.py|libfuse\.so\.2.*)$/;
    const next = join(workDir, 'fuse');
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !wanted.test(entry.name)) continue;
      cpSync(join(entry.parentPath, entry.name), join(next, entry.name));
    }
    // Another run may have been faster; then its folder is whole.
    await rename(next, cache()).catch(() => undefined);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  if (!isComplete()) throw new Error('the packages brought no FUSE for Python');
}

function isComplete(): boolean {
  const names = existsSync(cache()) ? readdirSync(cache()) : [];
  return ['fusepy.py', 'libfuse.so.2'].every((wanted) =>
    names.some((name) => name.startsWith(wanted)),
  );
}

function cache(): string {
  return join(dirname(etcdCache()), 'fuse');
}

if (import.meta.main) {
  const { python, env } = await bringFuse();
  process.stdout.write(`${python} with ${env.PYTHONPATH}\n`);
}
