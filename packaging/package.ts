/**
 * Makes what is put on a host that has nothing: the program as one file, which holds Node.js, with
 * its units, an example configuration, its manual, completion for shells, an installer and
 * checksums, and all of it as one archive.
 *
 *     npm run package
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { bashCompletion } from '../src/cli/completion/bash.ts';
import { fishCompletion } from '../src/cli/completion/fish.ts';
import { wordsOf } from '../src/cli/completion/words.ts';
import { zshCompletion } from '../src/cli/completion/zsh.ts';
import { loadCommands } from '../src/cli/program.ts';
import { programVersion } from '../src/core/version.ts';
import { run } from '../test/setup/program.ts';
import { bundle, nativeCrc32 } from './bundle.ts';
import { manPage, manPageName } from './man-page.ts';

export interface Package {
  readonly folder: string;
  readonly program: string;
  readonly archive: string;
}

const root = join(import.meta.dirname, '..');
const node = join(root, 'node_modules', 'node', 'bin', 'node');

/** Builds into a folder, and replaces what an earlier build left there. */
export async function buildPackage(into: string): Promise<Package> {
  const name = `etcd-backupd-${programVersion}-${process.platform}-${process.arch}`;
  const folder = join(into, name);
  const work = join(into, 'work');
  for (const old of [folder, work]) rmSync(old, { recursive: true, force: true });
  for (const fresh of [folder, work]) mkdirSync(fresh, { recursive: true });
  const program = join(folder, 'etcd-backupd');
  await buildProgram(program, work);
  await addTexts(folder);
  const archive = join(into, `${name}.tar.gz`);
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name'];
  await run('tar', ['-C', into, ...owner, '-czf', archive, name]);
  writeFileSync(`${archive}.sha256`, sumLine(into, `${name}.tar.gz`));
  rmSync(work, { recursive: true });
  return { folder, program, archive };
}

/** Adds to the program what is installed beside it, and the checksums of all. */
export async function addTexts(folder: string): Promise<void> {
  cpSync(join(root, 'systemd'), join(folder, 'systemd'), { recursive: true });
  for (const file of ['config/etcd-backupd.example.yaml', 'packaging/install.sh', 'LICENSE']) {
    copyFileSync(join(root, file), join(folder, file.slice(file.lastIndexOf('/') + 1)));
  }
  const commands = await loadCommands();
  const words = wordsOf(commands);
  const made = {
    [manPageName]: manPage(commands),
    'completion/etcd-backupd': bashCompletion(words),
    'completion/_etcd-backupd': zshCompletion(words),
    'completion/etcd-backupd.fish': fishCompletion(words),
  };
  mkdirSync(join(folder, 'completion'));
  for (const [file, text] of Object.entries(made)) writeFileSync(join(folder, file), text);
  writeSums(folder, filesBelow(folder));
}

/** Node.js, with the program inside. */
async function buildProgram(program: string, work: string): Promise<void> {
  const at = (file: string) => join(work, file);
  writeFileSync(at('main.cjs'), await bundle('packaging/single/main.ts'));
  writeFileSync(at('prover-thread.cjs'), await bundle('src/spool/prover-thread.ts'));
  writeFileSync(at('crc32.node'), nativeCrc32());
  // Names without folders: what is inside shall not tell where it was made.
  const plan = {
    main: 'main.cjs',
    output: 'program.blob',
    assets: { 'prover-thread.cjs': 'prover-thread.cjs', 'crc32.node': 'crc32.node' },
    disableExperimentalSEAWarning: true,
    // A start compiles next to nothing then.
    useCodeCache: true,
    // Nobody shall change by a variable what a program does that is not known to be Node.js.
    execArgvExtension: 'none',
  };
  writeFileSync(at('plan.json'), JSON.stringify(plan));
  await run(node, ['--experimental-sea-config', 'plan.json'], { cwd: work });
  copyFileSync(node, program);
  chmodSync(program, 0o755);
  const inject = join(root, 'node_modules', 'postject', 'dist', 'cli.js');
  // The fuse is where Node.js looks whether there is something inside; the text is its own.
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
  const words = [program, 'NODE_SEA_BLOB', at('program.blob'), '--sentinel-fuse', fuse];
  await run(node, [inject, ...words]);
}

function writeSums(folder: string, files: readonly string[]): void {
  writeFileSync(join(folder, 'SHA256SUMS'), files.map((file) => sumLine(folder, file)).join(''));
}

/** As `sha256sum --check` reads it. */
function sumLine(folder: string, file: string): string {
  const digest = createHash('sha256')
    .update(readFileSync(join(folder, file)))
    .digest('hex');
  return `${digest}  ${file}\n`;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

if (import.meta.main) {
  const { folder, archive } = await buildPackage(join(root, 'dist', 'package'));
  process.stdout.write(`${folder}\n${archive}\n`);
}
