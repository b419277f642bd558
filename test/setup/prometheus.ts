import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { etcdCache } from './binaries.ts';
import { prepareApt } from './packages.ts';
import { isExecutable, run, whichProgram } from './program.ts';

/**
 * Brings Prometheus and its promtool, for tests of alerts and dashboard, into the cache folder
 * beside etcd's: packages of the distribution, unpacked and never installed.
 *
 *     node test/setup/prometheus.ts
 */
export interface PrometheusPrograms {
  readonly suite: PrometheusSuite;
  readonly version: string;
  readonly prometheus: string;
  readonly promtool: string;
}

/** The oldest whose rules we write, and the newest that there is. */
export const prometheusSuites = ['bookworm', 'sid'] as const;
export type PrometheusSuite = (typeof prometheusSuites)[number];

/** What the cache holds of a suite. */
export function findPrometheus(suite: PrometheusSuite): PrometheusPrograms | undefined {
  for (const version of folderNames(cacheOf(suite)).toSorted().toReversed()) {
    const programs = join(cacheOf(suite), version, 'usr', 'bin');
    const [prometheus, promtool] = [join(programs, 'prometheus'), join(programs, 'promtool')];
    if (!version.startsWith('.') && isExecutable(prometheus) && isExecutable(promtool)) {
      return { suite, version, prometheus, promtool };
    }
  }
  return undefined;
}

/** The programs of a suite, brought now if the cache has none. */
export async function bringPrometheus(suite: PrometheusSuite): Promise<PrometheusPrograms> {
  const here = findPrometheus(suite);
  if (here !== undefined) return here;
  if (whichProgram('apt-get', process.env) === undefined) throw new Error('no apt-get here');
  process.stderr.write(`prometheus: fetching the package of ${suite} (ten seconds)\n`);
  await mkdir(cacheOf(suite), { recursive: true });
  const workDir = await mkdtemp(join(cacheOf(suite), '.new-'));
  try {
    const debs = await download(suite, workDir);
    const names = (await readdir(debs)).filter((name) => name.endsWith('.deb'));
    const version = /^prometheus_([\d.]+)/m.exec(names.join('\n'))?.[1];
    if (version === undefined) throw new Error(`${suite} has no prometheus`);
    const root = join(workDir, 'root');
    for (const name of names) await run('dpkg-deb', ['--extract', join(debs, name), root]);
    // Another run may have been faster; then its folder is whole.
    await rename(root, join(cacheOf(suite), version)).catch(() => undefined);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  const brought = findPrometheus(suite);
  if (brought === undefined) throw new Error(`the packages of ${suite} brought no prometheus`);
  return brought;
}

async function download(suite: PrometheusSuite, workDir: string): Promise<string> {
  const options = [...(await prepareApt(workDir, [suite])), '-oAcquire::Retries=3'];
  await run('apt-get', [...options, 'update']);
  const debs = join(workDir, 'debs');
  await mkdir(debs);
  await run('apt-get', [...options, 'download', 'prometheus'], { cwd: debs });
  // A package of its own in newer suites, a part of the first in older ones.
  await run('apt-get', [...options, 'download', 'promtool'], { cwd: debs }).catch(() => undefined);
  return debs;
}

function cacheOf(suite: PrometheusSuite): string {
  return join(dirname(etcdCache()), 'prometheus', suite);
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
  for (const suite of prometheusSuites) {
    const { version, promtool } = await bringPrometheus(suite);
    // A program that does not run on this machine is as bad as none.
    await run(promtool, ['--version']);
    process.stdout.write(`${version.padEnd(9)} ${dirname(promtool)}\n`);
  }
}
