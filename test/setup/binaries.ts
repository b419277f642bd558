import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { isExecutable, whichProgram } from './program.ts';

/** The etcd programs of one version. A folder counts only if it has a server and an etcdctl. */
export interface EtcdBinaries {
  readonly version: string;
  readonly minor: string;
  readonly dir: string;
  readonly etcd: string;
  readonly etcdctl: string;
  /** From 3.5 on. */
  readonly etcdutl?: string;
}

/** Every version that is here now, in the cache or on PATH, newest first. */
export function installedEtcd(env: NodeJS.ProcessEnv = process.env): EtcdBinaries[] {
  const all = [...cachedEtcd(env), ...pathEtcd(env)];
  const byVersion = new Map(all.toReversed().map((one) => [one.version, one]));
  return [...byVersion.values()].sort((a, b) => compareVersions(b.version, a.version));
}

/** The newest that is `3.5.30`, or any `3.5`. */
export function findEtcd(wanted: string, among = installedEtcd()): EtcdBinaries | undefined {
  return among.find((one) => fits(one.version, wanted));
}

/** Where versions are kept, one folder each: outside the repository, shared by all its clones. */
export function etcdCache(env: NodeJS.ProcessEnv = process.env): string {
  const cache = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(env.ETCD_BACKUPD_CACHE || join(cache, 'etcd-backupd'), 'etcd');
}

/** The program `bbolt`, for its `check`, if it is in the cache. */
export function installedBbolt(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = join(bboltDir(env), 'bbolt');
  return isExecutable(path) ? path : undefined;
}

export function bboltDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(dirname(etcdCache(env)), 'bbolt');
}

/** The folder of the programs `age` and `age-keygen`, if they are in the cache. */
export function installedAge(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const dir = ageDir(env);
  return isExecutable(join(dir, 'age')) ? dir : undefined;
}

export function ageDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(dirname(etcdCache(env)), 'age');
}

/** Whether a version is the wanted one, or one of the wanted minor. */
export function fits(version: string, wanted: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`);
}

/** The version in what `etcd --version` prints, or at the head of a package's version. */
export function parseVersion(text: string): string | undefined {
  return /(?:^|etcd Version:\s*|etcdctl version:\s*)(\d+\.\d+\.\d+)(?![\w.])/m.exec(text)?.[1];
}

export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** The programs in a folder, if it has them; the version is the caller's knowledge. */
export function binariesIn(dir: string, version: string): EtcdBinaries | undefined {
  const [etcd, etcdctl, etcdutl] = [join(dir, 'etcd'), join(dir, 'etcdctl'), join(dir, 'etcdutl')];
  if (!isExecutable(etcd) || !isExecutable(etcdctl)) return undefined;
  const minor = version.split('.').slice(0, 2).join('.');
  const required = { version, minor, dir, etcd, etcdctl };
  return isExecutable(etcdutl) ? { ...required, etcdutl } : required;
}

/** What a server program says its version is. */
export function versionOf(etcd: string): string | undefined {
  try {
    return parseVersion(execFileSync(etcd, ['--version'], { encoding: 'utf8', timeout: 10_000 }));
  } catch {
    // Not a program that runs here (another architecture, say): the same as none.
    return undefined;
  }
}

function cachedEtcd(env: NodeJS.ProcessEnv): EtcdBinaries[] {
  const cache = etcdCache(env);
  return listFolder(cache)
    .filter((name) => /^\d+\.\d+\.\d+$/.test(name))
    .flatMap((version) => binariesIn(join(cache, version), version) ?? []);
}

function pathEtcd(env: NodeJS.ProcessEnv): EtcdBinaries[] {
  const etcd = whichProgram('etcd', env);
  // A folder of the cache that was put on PATH is known already.
  if (etcd === undefined || dirname(dirname(etcd)) === etcdCache(env)) return [];
  const version = versionOf(etcd);
  return version === undefined ? [] : [binariesIn(dirname(etcd), version) ?? []].flat();
}

function listFolder(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    // No cache yet is an empty cache.
    return [];
  }
}
