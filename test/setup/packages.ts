import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fits, parseVersion } from './binaries.ts';
import { run, whichProgram } from './program.ts';

/**
 * etcd from the packages of the machine's own distribution, several suites of it at once, unpacked
 * into a folder and never installed. apt keeps its state for this in a folder of ours, so neither
 * root nor a changed system is needed; it checks signatures as always.
 */
export interface PackagedEtcd {
  readonly version: string;
  /** Puts the programs into a folder that exists. */
  unpack(into: string): Promise<void>;
}

/** Every packaged version that fits one of the wanted. `workDir` must outlive the result. */
export async function packagedEtcd(
  wanted: readonly string[],
  workDir: string,
): Promise<PackagedEtcd[]> {
  if (whichProgram('apt-get', process.env) === undefined) throw new Error('no apt-get here');
  // Debian's suites hold 3.4, 3.5 and a newer 3.5; elsewhere we take what the machine's own has.
  const options = await prepareApt(workDir, ['bookworm', 'trixie', 'sid']);
  // One suite that is out of reach must not cost the others: what arrived is looked at below.
  const updated = await run('apt-get', [...options, 'update']).catch(String);
  const table = await run('apt-cache', [...options, 'madison', 'etcd-server']);
  const packages = parseMadison(table).filter((one) => wanted.some((w) => fits(one.version, w)));
  if (packages.length === 0) {
    const offered = parseMadison(table).map((one) => one.version);
    const update = table === '' ? ` (${updated.trim().split('\n').at(-1)})` : '';
    throw new Error(`the packages have ${offered.join(', ') || 'no etcd-server'}${update}`);
  }
  return packages.map(({ version, debVersion }) => ({
    version,
    unpack: (into) => unpackPair(options, { debVersion, workDir, into }),
  }));
}

/** The rows of `apt-cache madison`: the upstream version and the package's own. */
export function parseMadison(table: string): { version: string; debVersion: string }[] {
  const rows = table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const found = rows.flatMap(([, debVersion = '']) => {
    const version = parseVersion(debVersion.replace(/[+~-].*$/, ''));
    return version === undefined ? [] : [{ version, debVersion }];
  });
  return found.filter((row, i) => found.findIndex((f) => f.version === row.version) === i);
}

export interface AptMirror {
  readonly uri: string;
  readonly signedBy?: string;
}

/** The mirror of the distribution in a `sources.list` or a `.sources` text. */
export function parseMirror(text: string, codename: string): AptMirror | undefined {
  const oneLine = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s/gm;
  for (const [, flags = '', uri = '', suite] of text.matchAll(oneLine)) {
    if (suite === codename) return mirror(uri, /signed-by=(\S+)/.exec(flags)?.[1]);
  }
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (name: string) => new RegExp(`^${name}:\\s*(.+)$`, 'm').exec(stanza)?.[1]?.trim();
    const suites = field('Suites')?.split(/\s+/) ?? [];
    const uri = field('URIs')?.split(/\s+/)[0];
    if (uri !== undefined && suites.includes(codename)) return mirror(uri, field('Signed-By'));
  }
  return undefined;
}

function mirror(uri: string, signedBy: string | undefined): AptMirror {
  // A key that stands in the text itself is not a path; apt then uses the keys it trusts anyway.
  return signedBy?.startsWith('/') ? { uri, signedBy } : { uri };
}

/**
 * Options that make apt use the machine's mirror and keys, a folder of ours for everything that it
 * writes, and the given suites of Debian; elsewhere the machine's own.
 */
export async function prepareApt(
  workDir: string,
  debianSuites: readonly string[],
): Promise<string[]> {
  const release = await readFile('/etc/os-release', 'utf8');
  const id = /^ID="?(\w+)/m.exec(release)?.[1] ?? '';
  const codename = /^VERSION_CODENAME="?(\w+)/m.exec(release)?.[1] ?? 'sid';
  const source = await findMirror(codename);
  if (source === undefined) throw new Error(`apt has no source for ${codename}`);
  const suites = id === 'debian' ? debianSuites : [codename];
  const components = id === 'ubuntu' ? 'main universe' : 'main';
  const flags = source.signedBy === undefined ? '' : `[signed-by=${source.signedBy}] `;
  const lines = suites.map((suite) => `deb ${flags}${source.uri} ${suite} ${components}\n`);
  await mkdir(join(workDir, 'lists', 'partial'), { recursive: true });
  await mkdir(join(workDir, 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(join(workDir, 'sources.list'), lines.join(''));
  return [
    `Dir::Etc::SourceList=${join(workDir, 'sources.list')}`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${join(workDir, 'lists')}`,
    `Dir::Cache=${join(workDir, 'cache')}`,
    'Acquire::Languages=none',
    // Without it apt, run by root, wants to read our private folder as another user.
    ...(process.getuid?.() === 0 ? ['APT::Sandbox::User=root'] : []),
  ].map((option) => `-o${option}`);
}

async function findMirror(codename: string): Promise<AptMirror | undefined> {
  const parts = '/etc/apt/sources.list.d';
  const names = await readdir(parts).catch(() => []);
  for (const file of ['/etc/apt/sources.list', ...names.map((name) => join(parts, name))]) {
    const found = parseMirror(await readFile(file, 'utf8').catch(() => ''), codename);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function unpackPair(
  options: readonly string[],
  { debVersion, workDir, into }: { debVersion: string; workDir: string; into: string },
): Promise<void> {
  const debs = join(workDir, debVersion);
  await mkdir(debs);
  const pair = ['etcd-server', 'etcd-client'].map((name) => `${name}=${debVersion}`);
  await run('apt-get', [...options, 'download', ...pair], { cwd: debs });
  for (const name of await readdir(debs)) {
    await run('dpkg-deb', ['--extract', join(debs, name), join(workDir, `${debVersion}.root`)]);
  }
  const programs = join(workDir, `${debVersion}.root`, 'usr', 'bin');
  for (const name of await readdir(programs)) await rename(join(programs, name), join(into, name));
}
