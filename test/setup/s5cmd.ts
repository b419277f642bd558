import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { etcdCache } from './binaries.ts';
import { buildS5cmd } from './golang.ts';
import { isExecutable } from './program.ts';

/** The program `s5cmd`, built now if the cache beside etcd's has none. */
export async function bringS5cmd(): Promise<string> {
  const dir = join(dirname(etcdCache()), 's5cmd');
  const program = join(dir, 's5cmd');
  if (isExecutable(program)) return program;
  process.stderr.write('s5cmd: building with Go (half a minute)\n');
  await mkdir(dir, { recursive: true });
  const workDir = await mkdtemp(join(dir, '.new-'));
  try {
    await buildS5cmd(workDir, dir);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  return program;
}
