import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { etcdCache } from './binaries.ts';
import { prepareApt } from './packages.ts';
import { isExecutable, run, whichProgram } from './program.ts';

/**
 * Brings podman, for tests of the image: the machine's own, or packages of the distribution with
 * what the machine lacks for them, unpacked beside etcd's and never installed.
 *
 *     node test/setup/podman.ts
 */
export interface PodmanPrograms {
  readonly podman: string;
  readonly conmon: string;
  readonly runc: string;
  /** Folders of shared libraries that the machine lacks. */
  readonly libraries: readonly string[];
}

/** The machine's own, or what the cache holds. */
export async function findPodman(
  env: NodeJS.ProcessEnv = process.env,
): Promise<PodmanPrograms | undefined> {
  const own = { PATH: `${env['PATH']}:/usr/sbin:/sbin` };
  const [podman, conmon, runc] = ['podman', 'conmon', 'runc'].map((one) => whichProgram(one, own));
  if (podman && conmon && runc) return { podman, conmon, runc, libraries: [] };
  const cached = programsIn(cacheDir());
  if (!Object.values(cached).every(isExecutable)) return undefined;
  const shared = join(cacheDir(), 'usr', 'lib');
  const libraries = (await readdir(shared)).map((name) => join(shared, name));
  return { ...cached, libraries };
}

/** The programs, brought now if there are none. */
export async function bringPodman(): Promise<PodmanPrograms> {
  const here = await findPodman();
  if (here !== undefined) return here;
  if (whichProgram('apt-get', process.env) === undefined) throw new Error('no apt-get here');
  process.stderr.write('podman: fetching its packages (ten seconds)\n');
  await mkdir(dirname(cacheDir()), { recursive: true });
  const workDir = await mkdtemp(join(dirname(cacheDir()), '.new-'));
  try {
    // The machine's own suite: what the packages need must fit the libraries that are there.
    const release = await readFile('/etc/os-release', 'utf8');
    const codename = /^VERSION_CODENAME="?(\w+)/m.exec(release)?.[1] ?? 'sid';
    const options = [...(await prepareApt(workDir, [codename])), '-oAcquire::Retries=3'];
    await run('apt-get', [...options, 'update']);
    // runc, and not what podman prefers: that one refuses machines with both kinds of cgroups.
    const wanted = ['podman', 'conmon', 'runc'];
    const how = ['install', '--yes', '--download-only', '--reinstall', '--no-install-recommends'];
    await run('apt-get', [...options, ...how, ...wanted]);
    const debs = join(workDir, 'cache', 'archives');
    const root = join(workDir, 'root');
    for (const deb of (await readdir(debs)).filter((one) => one.endsWith('.deb'))) {
      await run('dpkg-deb', ['--extract', join(debs, deb), root]);
    }
    // Another run may have been faster; then its folder is whole.
    await rename(root, cacheDir()).catch(() => undefined);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  const brought = await findPodman();
  if (brought === undefined) throw new Error('the packages brought no podman');
  return brought;
}

function programsIn(root: string): Pick<PodmanPrograms, 'podman' | 'conmon' | 'runc'> {
  return {
    podman: join(root, 'usr', 'bin', 'podman'),
    conmon: join(root, 'usr', 'bin', 'conmon'),
    runc: join(root, 'usr', 'sbin', 'runc'),
  };
}

function cacheDir(): string {
  return join(dirname(etcdCache()), 'podman', 'root');
}

if (import.meta.main) {
  const { podman, libraries } = await bringPodman();
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(':') };
  // A program that does not run on this machine is as bad as none.
  process.stdout.write(`${(await run(podman, ['--version'], { env })).trim()}  ${podman}\n`);
}
