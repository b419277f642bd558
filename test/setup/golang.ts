import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fits } from './binaries.ts';
import { run, whichProgram } from './program.ts';

// The newest release of each minor that the project has been run against.
const releases = ['3.5.35', '3.6.14', '3.7.1'];
const modules = ['server', 'etcdctl', 'etcdutl'].map((name) => `go.etcd.io/etcd/${name}/v3`);

// The bbolt of etcd 3.6; its `check` is the official word on a database file of any version.
const bbolt = 'go.etcd.io/bbolt/cmd/bbolt@v1.4.3';

// The official tool for the encryption of backups.
const age = ['age', 'age-keygen'].map((name) => `filippo.io/age/cmd/${name}@v1.2.1`);

// A fast copy tool for S3, to measure against.
const s5cmd = 'github.com/peak/s5cmd/v2@v2.3.0';

/** The release that a build by Go would give for a wanted version. */
export function releaseFor(wanted: string): string | undefined {
  return /^\d+\.\d+\.\d+$/.test(wanted) ? wanted : releases.find((one) => fits(one, wanted));
}

/**
 * Builds etcd's own programs from their modules. `go install MODULE@VERSION` refuses them because
 * of their replace directives, which count only for the main module: so the main module is an
 * empty one of ours that requires them, and go builds their programs as its dependencies.
 */
export async function buildEtcd(
  version: string,
  { workDir, into }: { readonly workDir: string; readonly into: string },
): Promise<void> {
  const out = await build(
    join(workDir, `go-${version}`),
    modules.map((module) => `${module}@v${version}`),
  );
  await rename(join(out, 'server'), join(out, 'etcd'));
  for (const name of await readdir(out)) await rename(join(out, name), join(into, name));
}

/** Builds the program `bbolt` into a folder. */
export async function buildBbolt(workDir: string, into: string): Promise<void> {
  const out = await build(join(workDir, 'go-bbolt'), [bbolt]);
  await rename(join(out, 'bbolt'), join(into, 'bbolt'));
}

/** Builds the programs `age` and `age-keygen` into a folder. */
export async function buildAge(workDir: string, into: string): Promise<void> {
  const out = await build(join(workDir, 'go-age'), age);
  for (const name of ['age-keygen', 'age']) await rename(join(out, name), join(into, name));
}

/** Builds the program `s5cmd` into a folder. */
export async function buildS5cmd(workDir: string, into: string): Promise<void> {
  const out = await build(join(workDir, 'go-s5cmd'), [s5cmd]);
  // Go leaves the part behind the last slash out of the name where it is a major version.
  await rename(join(out, 's5cmd'), join(into, 's5cmd'));
}

async function build(source: string, programs: readonly string[]): Promise<string> {
  const go = whichProgram('go', process.env);
  if (go === undefined) throw new Error('no Go toolchain on PATH');
  const out = join(source, 'out');
  await mkdir(out, { recursive: true });
  await writeFile(join(source, 'go.mod'), 'module etcdprograms\n');
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off', GO111MODULE: 'on' };
  const options = { cwd: source, env, background: true };
  const paths = programs.map((program) => program.replace(/@.*/, ''));
  await run(go, ['get', ...programs], options);
  await run(go, ['build', '-trimpath', '-ldflags=-s -w', '-o', `${out}/`, ...paths], options);
  return out;
}
