import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { etcdCache } from './binaries.ts';
import { prepareApt } from './packages.ts';
import { isExecutable, run, whichProgram } from './program.ts';

/**
 * The environment in which a standard program runs that the README names: the machine's own, or
 * its package of the distribution with what the machine lacks for it, unpacked beside etcd's and
 * never installed.
 */
export async function bringTool(
  name: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<NodeJS.ProcessEnv> {
  if (whichProgram(name, env) !== undefined) return env;
  const root = join(dirname(etcdCache()), 'tools', name);
  if (!isExecutable(join(root, 'usr', 'bin', name))) await unpackTool(name, root);
  const libraries = join(root, 'usr', 'lib');
  const folders = (await readdir(libraries).catch(() => [])).map((one) => join(libraries, one));
  const joined = (...parts: (string | undefined)[]): string =>
    parts.filter((part) => part !== undefined && part !== '').join(delimiter);
  return {
    ...env,
    PATH: joined(env['PATH'], join(root, 'usr', 'bin')),
    LD_LIBRARY_PATH: joined(env['LD_LIBRARY_PATH'], ...folders),
  };
}

async function unpackTool(name: string, root: string): Promise<void> {
  if (whichProgram('apt-get', process.env) === undefined) throw new Error('no apt-get here');
  await mkdir(dirname(root), { recursive: true });
  const workDir = await mkdtemp(join(dirname(root), '.new-'));
  try {
    // The machine's own suite: what the package needs must fit the libraries that are there.
    const release = await readFile('/etc/os-release', 'utf8');
    const codename = /^VERSION_CODENAME="?(\w+)/m.exec(release)?.[1] ?? 'sid';
    const options = [...(await prepareApt(workDir, [codename])), '-oAcquire::Retries=3'];
    await run('apt-get', [...options, 'update']);
    const install = ['install', '--yes', '--download-only', '--no-install-recommends', name];
    await run('apt-get', [...options, ...install]);
    const debs = join(workDir, 'cache', 'archives');
    const next = join(workDir, 'root');
    for (const deb of (await readdir(debs)).filter((one) => one.endsWith('.deb'))) {
      await run('dpkg-deb', ['--extract', join(debs, deb), next]);
    }
    // Another run may have been faster; then its folder is whole.
    await rename(next, root).catch(() => undefined);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  if (!isExecutable(join(root, 'usr', 'bin', name))) throw new Error(`no ${name} in its package`);
}
