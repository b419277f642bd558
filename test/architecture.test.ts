/** The laws of the house: who may import whom, one door per package, sizes, names, leftovers. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');

/** Lower rooms first. A room imports only rooms of a lower rank, and itself. */
const ranks: Record<string, number> = {
  core: 0,
  format: 1,
  stream: 1,
  observe: 1,
  config: 1,
  notify: 1,
  cluster: 2,
  store: 2,
  catalog: 3,
  spool: 3,
  datadir: 4,
  engine: 5,
  daemon: 6,
  http: 6,
  cli: 7,
  'main.ts': 8,
};

/** Rooms whose adapters only `cli` builds; their ports and pure parts are open to all above. */
const openFiles: Record<string, readonly string[]> = {
  cluster: [
    'cluster/port.ts',
    'cluster/keys-port.ts',
    'cluster/choose.ts',
    'cluster/membership-port.ts',
    'cluster/scratch-port.ts',
  ],
  store: ['store/port.ts'],
  observe: ['observe/state.ts'],
  config: ['config/config.ts'],
  notify: [],
};

/** Each outside package has one door: one importing file, or one folder where it ends in `/`. */
const doors: Record<string, string> = {
  '@aws-sdk/client-s3': 'store/s3/',
  '@aws-sdk/credential-provider-node': 'store/s3/usual-keys.ts',
  '@node-rs/crc32': 'format/crc32c.ts',
  convict: 'config/layers.ts',
  etcd3: 'cluster/etcd3/',
  fastify: 'http/',
  'node-cron': 'daemon/schedule.ts',
  pino: 'observe/log.ts',
  'prom-client': 'observe/series.ts',
  yaml: 'config/yaml.ts',
};

const bannedWords = /^(utils?|helpers?|common|misc|types|managers?|services?|base|index)$/i;

interface SourceFile {
  readonly name: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly string[];
}

function filesBelow(folder: string, ending: RegExp): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function readSource(path: string): SourceFile {
  const text = readFileSync(path, 'utf8');
  const found = text.matchAll(/^(?:import|export)\s(?:[^'";]*?\sfrom\s)?'([^']+)'/gm);
  const dynamic = text.matchAll(/\bimport\('([^']+)'\)/g);
  const name = relative(source, path);
  const imports = [...found, ...dynamic].map((match) => {
    const target = match[1] as string;
    return target.startsWith('.') ? relative(source, join(dirname(path), target)) : target;
  });
  return { name, text, lines: text.split('\n'), imports };
}

const files = filesBelow(source, /\.ts$/).map(readSource);
const room = (name: string): string => name.split('/')[0] as string;
const isOurs = (target: string): boolean => target.endsWith('.ts') || target.endsWith('.json');
const isNode = (target: string): boolean =>
  target.startsWith('node:') || builtinModules.includes(target);

describe('the house', () => {
  test('has rooms with a rank, and files', () => {
    expect(files.length).toBeGreaterThan(20);
    const unknown = files.filter((file) => ranks[room(file.name)] === undefined);
    expect(unknown.map((file) => file.name)).toEqual([]);
  });

  test('imports only downwards', () => {
    const upward = files.flatMap((file) =>
      file.imports
        .filter((target) => isOurs(target) && !target.startsWith('..'))
        .filter((target) => room(target) !== room(file.name))
        .filter((target) => (ranks[room(target)] ?? 99) >= (ranks[room(file.name)] ?? -1))
        .map((target) => `${file.name} imports ${target}`),
    );
    expect(upward).toEqual([]);
  });

  test('builds adapters only in the command line', () => {
    const below = files.filter((file) => !/^(cli\/|main\.ts)/.test(file.name));
    const leaks = below.flatMap((file) =>
      file.imports
        .filter((target) => isOurs(target) && room(target) !== room(file.name))
        .filter((target) => openFiles[room(target)]?.includes(target) === false)
        .map((target) => `${file.name} imports ${target}`),
    );
    expect(leaks).toEqual([]);
  });

  test('has no import cycle', () => {
    const graph = new Map(files.map((file) => [file.name, file.imports.filter(isOurs)]));
    const done = new Set<string>();
    const visit = (name: string, path: readonly string[]): void => {
      if (path.includes(name)) throw new Error(`cycle: ${[...path, name].join(' -> ')}`);
      if (done.has(name)) return;
      for (const target of graph.get(name) ?? []) visit(target, [...path, name]);
      done.add(name);
    };
    for (const file of files) visit(file.name, []);
    expect(done.size).toBeGreaterThanOrEqual(files.length);
  });

  test('opens one door per package, and knows every package', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter((target) => !isOurs(target) && !isNode(target))
        .filter((target) => {
          const door = doors[target];
          if (door === undefined) return true;
          return door.endsWith('/') ? !file.name.startsWith(door) : file.name !== door;
        })
        .map((target) => `${file.name} imports ${target}`),
    );
    expect(wrong).toEqual([]);
    const declared = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(Object.keys(doors).sort()).toEqual(Object.keys(declared.dependencies).sort());
  });

  test('touches the process only in main.ts', () => {
    const banned = /\bprocess\.(argv|env|exit|exitCode)\b/;
    const wrong = files.filter((file) => file.name !== 'main.ts' && banned.test(file.text));
    expect(wrong.map((file) => file.name)).toEqual([]);
  });

  test('keeps core free of input, output, clocks and chance', () => {
    // Digests and signatures are arithmetic; new keys are not.
    const pure = ['node:util', 'node:crypto'];
    const banned =
      /Date\.now\(|new Date\(\)|performance\.now|\brandom[A-Z]|Math\.random|generateKey/;
    const wrong = files
      .filter((file) => room(file.name) === 'core')
      .filter(
        (file) =>
          file.imports.some((t) => isNode(t) && !pure.includes(t)) || banned.test(file.text),
      );
    expect(wrong.map((file) => file.name)).toEqual([]);
  });
});

describe('every source file', () => {
  test('fits in one sitting: 250 lines of 100 columns', () => {
    const long = files.filter((file) => file.lines.length > 251).map((file) => file.name);
    const wide = files.flatMap((file) =>
      file.lines.flatMap((line, at) => (line.length > 100 ? [`${file.name}:${at + 1}`] : [])),
    );
    expect({ long, wide }).toEqual({ long: [], wide: [] });
  });

  test('has functions of at most 60 lines', () => {
    const long = files.flatMap((file) => longFunctions(file));
    expect(long).toEqual([]);
  });

  test('is named for the thing that it holds', () => {
    const wrong = files.filter((file) =>
      file.name
        .replace(/\.ts$/, '')
        .split(/[/.-]/)
        .some((word) => bannedWords.test(word)),
    );
    expect(wrong.map((file) => file.name)).toEqual([]);
  });

  test('has no default export, no barrel and no leftover', () => {
    const wrong = files.filter((file) =>
      /^export default|^export \* from|\b(TODO|FIXME|XXX)\b|debugger;|console\.log/m.test(
        file.text,
      ),
    );
    expect(wrong.map((file) => file.name)).toEqual([]);
  });

  test('imports all of its packages from node: or through a door', () => {
    const bare = files.flatMap((file) =>
      file.imports
        .filter((target) => builtinModules.includes(target))
        .map((t) => `${file.name} ${t}`),
    );
    expect(bare).toEqual([]);
  });
});

/** A function or method begins at its name and ends at the first brace of the same indentation. */
function longFunctions(file: SourceFile): string[] {
  const found: string[] = [];
  file.lines.forEach((line, at) => {
    const named = /^(export )?(async )?function\b/.test(line);
    const method =
      /^ {2}(?!if|for|while|switch)(async |static |get |set |\*|#)*[\w[\].]+\((?!.*=>).*\{$/;
    if (!named && !method.test(line)) return;
    const end = named ? '}' : '  }';
    const close = file.lines.findIndex((other, index) => index > at && other === end);
    if (close > 0 && close - at > 60) found.push(`${file.name}:${at + 1} has ${close - at} lines`);
  });
  return found;
}

describe('the repository', () => {
  test('speaks of no machine, no registry and no way it was made', () => {
    const words = [
      ['/wo', 'rk/'],
      ['/fa', 'rm'],
      ['registry.npm', 'js'],
      ['deb.deb', 'ian.org'],
      ['proxy.gol', 'ang.org'],
      ['sn', 'apshot.debian'],
    ].map((half) => half.join(''));
    const texts = ['src', 'test', 'docs', 'config', '.ci', 'packaging', 'systemd']
      .flatMap((folder) => filesBelow(join(root, folder), /./))
      .concat(['README.md', 'CHANGELOG.md', 'package.json'].map((n) => join(root, n)));
    const wrong = texts.flatMap((path) => {
      const text = readFileSync(path, 'latin1');
      return words
        .filter((word) => text.includes(word))
        .map((word) => `${relative(root, path)}: ${word}`);
    });
    expect(wrong).toEqual([]);
  });
});
