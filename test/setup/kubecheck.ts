import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { etcdCache } from './binaries.ts';
import { isExecutable, run, whichProgram } from './program.ts';

/**
 * Builds `kubecheck`, for tests of the Kubernetes manifests, into the cache folder beside etcd's:
 * kustomize, and the code by which an API server decides what it takes. go.sum pins all of it.
 *
 *     node test/setup/kubecheck.ts
 */
const source = join(import.meta.dirname, 'kubecheck');

/** The program of this very source, built now if the cache has none. */
export async function bringKubecheck(): Promise<string> {
  const dir = join(dirname(etcdCache()), 'kubecheck');
  const place = join(dir, await digestOfSource());
  const program = join(place, 'kubecheck');
  if (isExecutable(program)) return program;
  const go = whichProgram('go', process.env);
  if (go === undefined) throw new Error('no Go toolchain on PATH');
  process.stderr.write('kubecheck: building with Go (two to four minutes on two cores)\n');
  await mkdir(dir, { recursive: true });
  const workDir = await mkdtemp(join(dir, '.new-'));
  try {
    // Beside the checkout: no go.work around it has a say, and two builds never meet.
    await cp(source, workDir, { recursive: true });
    const out = join(workDir, 'out');
    const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off', GO111MODULE: 'on' };
    const words = ['build', '-trimpath', '-ldflags=-s -w', '-o', join(out, 'kubecheck'), '.'];
    await run(go, words, { cwd: workDir, env, background: true });
    // Another run may have been faster; then its folder is whole.
    await rename(out, place).catch(() => undefined);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  if (!isExecutable(program)) throw new Error(`no ${program} after its build`);
  return program;
}

async function digestOfSource(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum', 'main.go'])
    hash.update(await readFile(join(source, name)));
  return hash.digest('hex').slice(0, 16);
}

if (import.meta.main) process.stdout.write(`${await bringKubecheck()}\n`);
