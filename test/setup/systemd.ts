import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { etcdCache } from './binaries.ts';
import { isExecutable, whichProgram } from './program.ts';
import { downloadPackages, unpackPackages } from './unpacked.ts';

/**
 * Brings a system with a real systemd, to be booted in a container, into the cache folder beside
 * etcd's. Its own systemd-nspawn boots it, so the machine needs neither systemd nor container tools.
 *
 *     node test/setup/systemd.ts
 */
export interface SystemdRoot {
  /** Never written to after it was made. */
  readonly root: string;
}

// Debian's 12 has the last systemd that takes cgroups of either kind.
const suite = 'bookworm';
const wanted = [
  'systemd',
  'systemd-sysv',
  'systemd-container',
  'dbus',
  'libstdc++6',
  'base-files',
  'bash',
  'coreutils',
  'dash',
  'grep',
  'gzip',
  'procps',
  'sed',
  'tar',
  'util-linux',
];

/** What the cache holds. */
export function findSystemd(): SystemdRoot | undefined {
  const root = join(cache(), 'root');
  return isExecutable(join(root, 'usr', 'bin', 'systemd-nspawn')) ? { root } : undefined;
}

/** The system, brought now if the cache has none. */
export async function bringSystemd(): Promise<SystemdRoot> {
  const here = findSystemd();
  if (here !== undefined) return here;
  if (whichProgram('apt-get', process.env) === undefined) throw new Error('no apt-get here');
  process.stderr.write('systemd: fetching the packages of a small system (half a minute)\n');
  await mkdir(cache(), { recursive: true });
  const workDir = await mkdtemp(join(cache(), '.new-'));
  try {
    const next = join(workDir, 'root');
    await unpackPackages(await downloadPackages(wanted, suite, workDir), next);
    await prepare(next);
    // Another run may have been faster; then its folder is whole.
    await rename(next, join(cache(), 'root')).catch(() => undefined);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  const brought = findSystemd();
  if (brought === undefined) throw new Error('the packages brought no systemd-nspawn');
  return brought;
}

async function prepare(root: string): Promise<void> {
  await writeFile(join(root, 'etc', 'fstab'), '');
  await writeFile(join(root, 'etc', 'hostname'), 'machine\n');
  for (const name of ['sys', 'root', 'var/tmp', 'var/lib', 'etc/systemd/system']) {
    await mkdir(join(root, name), { recursive: true });
  }
  // It would ask a person at the first boot.
  await symlink('/dev/null', join(root, 'etc/systemd/system/systemd-firstboot.service'));
}

function cache(): string {
  return join(dirname(etcdCache()), 'systemd');
}

if (import.meta.main) {
  const { root } = await bringSystemd();
  const release = await readFile(join(root, 'etc', 'os-release'), 'utf8');
  process.stdout.write(`${/^PRETTY_NAME="(.*)"/m.exec(release)?.[1] ?? 'a system'}: ${root}\n`);
}
