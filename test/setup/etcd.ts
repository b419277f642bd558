import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  ageDir,
  bboltDir,
  binariesIn,
  etcdCache,
  findEtcd,
  fits,
  installedAge,
  installedBbolt,
  installedEtcd,
  versionOf,
} from './binaries.ts';
import { buildAge, buildBbolt, buildEtcd, releaseFor } from './golang.ts';
import { packagedEtcd } from './packages.ts';

/**
 * Brings real etcd programs to this machine, each version in its own folder of a cache:
 *
 *     node test/setup/etcd.ts --want 3.4,3.5 --try 3.6,3.7
 *
 * What is in the cache or on PATH is used as it is; then the distribution's packages are looked
 * at, then the Go toolchain. Nothing is installed. Two runs at once may do the same work twice
 * but cannot spoil it: a version's folder appears by one rename, when it is whole.
 */
export { type EtcdBinaries, findEtcd, installedEtcd } from './binaries.ts';

export interface MissingEtcd {
  readonly wanted: string;
  /** Each source and why it did not give the version, in words. */
  readonly tried: readonly string[];
}

export interface Provisioning {
  /** One line for each thing that is done, with how long it took. */
  readonly say: (line: string) => void;
}

/** Makes the wanted versions (`3.5` or `3.5.30`) available; resolves to those that it could not. */
export async function provisionEtcd(
  wanted: readonly string[],
  { say }: Provisioning = { say: (line) => process.stderr.write(`etcd: ${line}\n`) },
): Promise<MissingEtcd[]> {
  const open = () => wanted.filter((one) => findEtcd(one) === undefined);
  // Whoever wants what only Go gives wants the other official programs by Go too: the check of
  // database files, and the encryption of backups.
  const wantsTools = wanted.some(isOnlyBuilt);
  const wantsBbolt = wantsTools && installedBbolt() === undefined;
  const wantsAge = wantsTools && installedAge() === undefined;
  if (open().length === 0 && !wantsBbolt && !wantsAge) return [];
  const tried = new Map(wanted.map((one) => [one, [`neither in ${etcdCache()} nor on PATH`]]));
  const cache = etcdCache();
  await mkdir(cache, { recursive: true });
  await removeLeftovers(cache);
  // In the cache and not in the temporary directory: what is made here is renamed into place.
  const workDir = await mkdtemp(join(cache, '.new-'));
  try {
    await takePackages(open(), { workDir, say, note: (one, why) => tried.get(one)?.push(why) });
    for (const one of open()) {
      const why = await takeBuild(one, { workDir, say });
      if (why !== undefined) tried.get(one)?.push(why);
    }
    if (wantsBbolt) await takeTool('bbolt', bboltDir(), buildBbolt, { workDir, say });
    if (wantsAge) await takeTool('age', ageDir(), buildAge, { workDir, say });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  return open().map((one) => ({ wanted: one, tried: tried.get(one) ?? [] }));
}

/** No distribution has 3.6 or newer yet. */
function isOnlyBuilt(wanted: string): boolean {
  return !/^3\.[45](\.|$)/.test(wanted);
}

interface Work extends Provisioning {
  readonly workDir: string;
}

async function takePackages(
  wanted: readonly string[],
  { workDir, say, note }: Work & { note: (wanted: string, why: string) => void },
): Promise<void> {
  // Asking costs a download of three package lists.
  const candidates = wanted.filter((one) => !isOnlyBuilt(one));
  if (candidates.length === 0) return;
  say(`looking for ${candidates.join(', ')} in the distribution's packages (about 20 seconds)`);
  try {
    const packages = await packagedEtcd(candidates, workDir);
    const from = 'unpacked from a package';
    const kept = packages.map(({ version, unpack }) =>
      keep(version, { workDir, say, from, fill: unpack }),
    );
    await Promise.all(kept);
  } catch (thrown) {
    for (const one of candidates) note(one, `packages: ${reason(thrown)}`);
  }
}

async function takeBuild(wanted: string, { workDir, say }: Work): Promise<string | undefined> {
  const version = releaseFor(wanted);
  if (version === undefined || fits(version, '3.4')) return 'Go: no build of this version by Go';
  say(`building ${version} with Go (one to three minutes on two cores)`);
  try {
    const fill = (into: string) => buildEtcd(version, { workDir, into });
    await keep(version, { workDir, say, from: 'built with Go', fill });
    return undefined;
  } catch (thrown) {
    return `Go: ${reason(thrown)}`;
  }
}

async function takeTool(
  name: string,
  dir: string,
  make: (workDir: string, into: string) => Promise<void>,
  { workDir, say }: Work,
): Promise<void> {
  try {
    say(`building ${name} with Go (half a minute)`);
    await mkdir(dir, { recursive: true });
    await make(workDir, dir);
  } catch (thrown) {
    say(`no ${name}: ${reason(thrown)}`);
  }
}

interface Keeping extends Work {
  readonly from: string;
  readonly fill: (into: string) => Promise<void>;
}

async function keep(version: string, { workDir, say, from, fill }: Keeping): Promise<void> {
  const began = performance.now();
  const next = join(workDir, version);
  await mkdir(next);
  await fill(next);
  const binaries = binariesIn(next, version);
  if (binaries === undefined) throw new Error(`${version} came without etcd or etcdctl`);
  const says = versionOf(binaries.etcd);
  if (says !== version) throw new Error(`the etcd of ${version} says it is ${says ?? 'nothing'}`);
  const place = join(etcdCache(), version);
  await rename(next, place).catch((thrown: unknown) => {
    // Another run was faster and its folder is whole: keep that one.
    if (binariesIn(place, version) === undefined) throw thrown;
  });
  say(`${version} ${from} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

// A run that was killed leaves its half-filled folder; no run lasts an hour.
async function removeLeftovers(cache: string): Promise<void> {
  for (const name of (await readdir(cache)).filter((one) => one.startsWith('.new-'))) {
    const path = join(cache, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > 3_600_000) await rm(path, { recursive: true, force: true });
  }
}

function reason(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** What a person reads when a version cannot be had. */
export function describeMissing({ wanted, tried }: MissingEtcd): string {
  return [
    `etcd ${wanted} is not available. Tried:`,
    ...tried.map((line) => `  - ${line.replaceAll('\n', '\n    ')}`),
    'What helps, one of:',
    `  - put an etcd ${wanted} with its etcdctl on PATH;`,
    `  - put both into ${join(etcdCache(), wanted.split('.').length === 3 ? wanted : `${wanted}.x`)}`,
    '    (the folder is named after the full version);',
    `  - install Go (3.5 and newer are built from source), or use Debian (3.4 and 3.5).`,
  ].join('\n');
}

function table(): string {
  const rows = installedEtcd().map((one) => {
    const programs = one.etcdutl === undefined ? 'etcd etcdctl' : 'etcd etcdctl etcdutl';
    return `${one.version.padEnd(9)} ${programs.padEnd(21)} ${one.dir}`;
  });
  return rows.length === 0 ? 'no etcd here\n' : `${rows.join('\n')}\n`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      want: { type: 'string', default: '' },
      try: { type: 'string', default: '' },
      path: { type: 'string' },
    },
  });
  const split = (list: string) => list.split(/[\s,]+/).filter((one) => one !== '');
  const want = split(values.want);
  const missing = await provisionEtcd([...want, ...split(values.try)]);
  for (const one of missing) process.stderr.write(`${describeMissing(one)}\n`);
  // With --path stdout is one folder, for a script to put on its PATH.
  if (values.path === undefined) process.stdout.write(table());
  else process.stdout.write(`${findEtcd(values.path)?.dir ?? ''}\n`);
  if (missing.some((one) => want.includes(one.wanted))) process.exitCode = 1;
}

if (import.meta.main) await main();
