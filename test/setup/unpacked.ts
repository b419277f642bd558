/** Packages of a suite of the distribution with everything that they need, unpacked in a folder. */
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareApt } from './packages.ts';
import { run } from './program.ts';

/** Downloads into a folder below `workDir` and returns it. */
export async function downloadPackages(
  wanted: readonly string[],
  suite: string,
  workDir: string,
): Promise<string> {
  const status = join(workDir, 'status');
  // Of a machine that has nothing, so that whatever the programs need comes along.
  await writeFile(status, '');
  const options = [
    ...(await prepareApt(workDir, [suite])),
    `-oDir::State::status=${status}`,
    '-oAPT::Install-Recommends=false',
    '-oAcquire::Retries=3',
  ];
  await run('apt-get', [...options, 'update']);
  await run('apt-get', [...options, 'install', '--yes', '--download-only', ...wanted]);
  return join(workDir, 'cache', 'archives');
}

/** Makes a root directory of all packages in a folder. */
export async function unpackPackages(debs: string, root: string): Promise<void> {
  // Made first: older packages still name these folders, which are links today.
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(join('usr', name), join(root, name));
  }
  const script = 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"';
  const packages = (await readdir(debs)).filter((name) => name.endsWith('.deb'));
  for (const name of packages) {
    await run('sh', ['-c', script, 'sh', join(debs, name), root]);
  }
  for (const name of ['proc', 'dev', 'tmp', 'run', 'etc']) {
    await mkdir(join(root, name), { recursive: true });
  }
  await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  await writeFile(join(root, 'etc', 'group'), 'root:x:0:\n');
  await writeFile(join(root, 'etc', 'hosts'), '127.0.0.1 localhost\n');
  await cp('/etc/os-release', join(root, 'etc', 'os-release'), { dereference: true });
}
