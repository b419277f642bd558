/** Images and containers in a storage of the test's own: built, run and gone by a real podman. */
import { execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { bringPodman, type PodmanPrograms } from '../setup/podman.ts';
import { run, whichProgram } from '../setup/program.ts';

/**
 * podman's programs, or why there are none here. Where MUST_RUN_CONTAINERS is 1, not having them
 * is a failure.
 */
export async function podmanHere(): Promise<
  { programs: PodmanPrograms; skip?: never } | { programs?: never; skip: string }
> {
  try {
    if (process.getuid?.() !== 0) throw new Error('these tests need root');
    return { programs: await bringPodman() };
  } catch (thrown) {
    const skip = `no podman: ${(thrown as Error).message.split('\n').at(-1)}`;
    if (process.env['MUST_RUN_CONTAINERS'] === '1') throw new Error(skip, { cause: thrown });
    return { skip };
  }
}

export interface Podman extends AsyncDisposable {
  /** Runs a podman command to its end; resolves to its stdout. */
  run(words: readonly string[]): Promise<string>;
  /** What to start a command of podman with that is not waited for. */
  start(words: readonly string[]): ReturnType<typeof spawn>;
}

/** A podman with an empty storage. Disposing removes its containers, its images and its files. */
export function openPodman({ podman, conmon, runc, libraries }: PodmanPrograms): Podman {
  const dir = mkdtempSync(join(tmpdir(), 'podman-'));
  const quoted = JSON.stringify;
  const save = (name: string, text: string, mode = 0o600): string => {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  };
  const shared = libraries.join(delimiter);
  // At the end of a container it starts podman once more, with an environment of its own.
  const monitor = `#!/bin/sh\nLD_LIBRARY_PATH='${shared}' exec '${conmon}' "$@"\n`;
  save('.config/containers/policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}');
  const env = {
    PATH: `${process.env['PATH']}${delimiter}/usr/sbin`,
    HOME: dir,
    TMPDIR: dir,
    LD_LIBRARY_PATH: shared,
    CONTAINERS_STORAGE_CONF: save(
      'storage.conf',
      `[storage]\ndriver="overlay"\ngraphroot=${quoted(join(dir, 'storage'))}\n` +
        `runroot=${quoted(join(dir, 'run'))}\n`,
    ),
    // No registry is ever asked.
    CONTAINERS_REGISTRIES_CONF: save('registries.conf', ''),
    // The limits are those that a machine without CAP_SYS_RESOURCE lets podman set.
    CONTAINERS_CONF: save(
      'containers.conf',
      '[containers]\ndefault_ulimits=["nofile=4096:4096","nproc=4096:4096"]\n[engine]\n' +
        'runtime="runc"\ncgroup_manager="cgroupfs"\nevents_logger="file"\n' +
        `conmon_path=[${quoted(save('conmon', monitor, 0o700))}]\n` +
        `[engine.runtimes]\nrunc=[${quoted(runc)}]\n`,
    ),
  };
  const stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'pipe'];
  const call = (words: readonly string[]) => run(podman, words, { env });
  return {
    run: call,
    start: (words) => spawn(podman, words, { env, stdio }),
    async [Symbol.asyncDispose]() {
      await call(['rm', '--all', '--force', '--time', '0', '--volumes']);
      await call(['rmi', '--all', '--force']);
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

export interface Images {
  /** In place of node:24: this machine's npm, with the Node.js that the project runs on. */
  readonly node: string;
  /** In place of the one without a shell: the libraries that node is linked to. */
  readonly base: string;
}

const environment = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt',
};

/** The images that the build begins with, made of files of this machine: no registry is needed. */
export async function importImages(podman: Podman, architecture: string): Promise<Images> {
  const node = join(import.meta.dirname, '..', '..', 'node_modules', 'node', 'bin', 'node');
  const images = { node: `localhost/node:${architecture}`, base: `localhost/base:${architecture}` };
  const root = mkdtempSync(join(tmpdir(), 'image-'));
  const save = (image: string, env: Record<string, string>) =>
    importRoot(podman, { root, image, architecture, env });
  try {
    for (const name of ['tmp', 'proc', 'sys', 'dev', 'run']) mkdirSync(join(root, name));
    chmodSync(join(root, 'tmp'), 0o1777);
    // All that the C library consists of: the native module takes more of it than node does.
    copyLibraries(node, root);
    copyLibraries(nativeModule(), root);
    await save(images.base, {});
    for (const name of ['sh', 'env', 'mkdir', 'rm', 'chmod']) copyProgram(name, root);
    const local = join(root, 'usr', 'local');
    copyTo(join(local, 'bin', 'node'), node);
    const npm = dirname(dirname(realpathSync(whichProgram('npm', process.env) ?? '')));
    cpSync(npm, join(local, 'lib', 'node_modules', 'npm'), { recursive: true, dereference: true });
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin', 'npm'));
    // What the machine trusts between itself and the registry of packages.
    const certificates = process.env['NODE_EXTRA_CA_CERTS'] ?? environment.NODE_EXTRA_CA_CERTS;
    copyTo(join(root, environment.NODE_EXTRA_CA_CERTS), certificates);
    await save(images.node, environment);
    return images;
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function importRoot(
  podman: Podman,
  {
    root,
    image,
    architecture,
    env,
  }: { root: string; image: string; architecture: string; env: Record<string, string> },
): Promise<void> {
  const archive = `${root}.tar`;
  try {
    await run('tar', ['-C', root, '--owner=0', '--group=0', '-cf', archive, '.']);
    const changes = Object.entries(env).map(([key, value]) => `--change=ENV ${key}=${value}`);
    await podman.run(['import', `--arch=${architecture}`, ...changes, archive, image]);
  } finally {
    rmSync(archive, { force: true });
  }
}

function nativeModule(): string {
  const { resolve } = createRequire(import.meta.url);
  return resolve(`@node-rs/crc32-linux-${process.arch}-gnu`);
}

function copyProgram(name: string, root: string): void {
  const path = whichProgram(name, { PATH: '/usr/bin:/bin' });
  if (path === undefined) throw new Error(`no program ${name} on this machine`);
  copyTo(join(root, 'usr', 'bin', name), path);
  if (name === 'sh') copyTo(join(root, 'bin', name), path);
  copyLibraries(path, root);
}

function copyLibraries(program: string, root: string): void {
  const told = execFileSync('ldd', [program], { encoding: 'utf8' });
  for (const [path] of told.matchAll(/\/\S+/g)) copyTo(join(root, path), path);
}

function copyTo(target: string, path: string): void {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(path, target);
}
