/** What documents say of the program exists: commands, flags, keys, messages, files and headings. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCommands, parseCall } from '../src/cli/program.ts';
import { leavesOf } from '../src/config/entry.ts';
import { loadConfig } from '../src/config/load.ts';
import { schema } from '../src/config/schema.ts';
import { storeSection } from '../src/config/store-schema.ts';
import { manifestCore } from '../src/core/manifest-core.ts';
import { parseObjectName } from '../src/core/names.ts';
import { readGuide } from './support/guides.ts';
import { manifestKeys } from './support/manifest-keys.ts';
import { sampleManifest } from './unit/core/sample-manifest.ts';

const root = join(import.meta.dirname, '..');
const written = readdirSync(join(root, 'docs')).map((name) => `docs/${name}`);
const guides = ['README.md', 'CHANGELOG.md', ...written].map((name) => {
  return { name, ...readGuide(name) };
});
/** The reference is made from the commands themselves, and shows how they are called in general. */
const byHand = guides.filter(({ name }) => name !== 'docs/reference.md');
const commands = await loadCommands();

/** `like this`, outside of blocks. */
function wordsIn(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/^ {4}.*$/gm, '');
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word.replaceAll('\n', ' '));
}

/** As GitHub makes anchors of headings. */
function anchorsOf(text: string): string[] {
  const bare = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...bare.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
    return heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  });
}

/** What is wrong about a call of the program; undefined when it would be carried out. */
function faultOf(line: string): string | undefined {
  const found = [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)];
  const words = found.map(([word]) => word.replaceAll(/["']/g, ''));
  const [, name, ...rest] = words;
  const command = commands.find((each) => each.name === name);
  if (command === undefined) return `${line}: there is no command ${name}`;
  if (rest.includes('--help')) return undefined;
  // `restore ...`: what is left out cannot be judged.
  const given = rest.at(-1) === '...' ? rest.slice(0, -1) : rest;
  try {
    const { flags } = parseCall(command, given);
    const unknown = flags.find((flag) => !keys.has(flag.name));
    return unknown && `${line}: there is no key ${unknown.name}`;
  } catch (error) {
    return `${line}: ${(error as Error).message}`;
  }
}

const sections = [...leavesOf(schema), ...leavesOf(storeSection)];
const keys = new Set(sections.map(({ key }) => key));

describe('every document', () => {
  test('shows calls of the program that it takes', () => {
    const calls = byHand.flatMap(({ name, commands: lines, text }) =>
      // A sentence may name a command alone; what is there to be pasted is whole.
      [...lines, ...wordsIn(text).filter((word) => !/^etcd-backupd \S+$/.test(word))]
        .filter((line) => /^etcd-backupd [a-z]/.test(line) && !line.includes('[options]'))
        .map((line) => line.replace(/ [>|] .*$/, ''))
        .map((line) => ({ name, line })),
    );
    const faults = calls.flatMap(({ name, line }) => {
      const fault = faultOf(line);
      return fault === undefined ? [] : [`${name}: ${fault}`];
    });

    expect(calls.length).toBeGreaterThan(40);
    expect(faults).toEqual([]);
  });

  test('leads to files and headings that exist', () => {
    const links = guides.flatMap(({ name, text }) =>
      [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => ({ name, target }))
        .filter(({ target }) => !/^[a-z]+:/.test(target)),
    );
    const broken = links.filter(({ name, target }) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? join(root, name) : join(root, dirname(name), file);
      if (!existsSync(path)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(path, 'utf8')).includes(anchor);
    });

    expect(links.length).toBeGreaterThan(10);
    expect(broken).toEqual([]);
  });

  test('names flags that a command has', () => {
    const known = new Set(['help', ...commands.flatMap(({ options }) => Object.keys(options))]);
    const unknown = guides.flatMap(({ name, text }) =>
      wordsIn(text)
        .map((word) => /^--([a-z][\w.-]*)( .*)?$/.exec(word)?.[1])
        .filter((flag) => flag !== undefined && !known.has(flag) && !keys.has(flag))
        .map((flag) => `${name}: --${flag}`),
    );

    expect(unknown.filter((each) => !others.has(each.replace(/^.*--/, '')))).toEqual([]);
  });

  test('names keys that the configuration has', () => {
    const tops = new Set(Object.keys(schema.keys));
    // Some keys of a manifest begin with the same word.
    const named = [...keys, ...manifestKeys().map(({ key }) => key)];
    const nodes = new Set(named.flatMap((key) => prefixesOf(key)));
    const unknown = guides.flatMap(({ name, text }) =>
      wordsIn(text)
        .map((word) => /^([a-z]\w*(\.[a-zA-Z]\w*)+)(: .*)?$/.exec(word)?.[1] ?? '')
        .filter((word) => tops.has(word.split('.')[0] ?? '') && !nodes.has(word))
        .map((word) => `${name}: ${word}`),
    );

    expect(unknown).toEqual([]);
  });
});

/** Of etcd, docker, node and other programs. */
const others = new Set([
  ...['advertise-client-urls', 'client-crl-file', 'wal-dir'],
  ...['build-arg', 'format', 'network', 'no-healthcheck', 'platform', 'stop-timeout'],
]);

function prefixesOf(key: string): string[] {
  const words = key.split('.');
  return words.map((_, at) => words.slice(0, at + 1).join('.'));
}

test('the guide to restoring tells of refusals as the program does', () => {
  const source = readdirSync(join(root, 'src'), { recursive: true })
    .map((name) => join(root, 'src', String(name)))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const { text } = readGuide('docs/restoring.md').section('What is refused, and why');
  const messages = [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, message = '']) => message);

  const unsaid = messages.flatMap((message) =>
    message.split('…').filter((part) => !source.includes(part.trim())),
  );

  expect(messages.length).toBeGreaterThan(10);
  expect(unsaid).toEqual([]);
});

test('the configuration that a restore on a new host needs is one', () => {
  const shown = readGuide('docs/restoring.md').blocks.find(({ language }) => language === 'yaml');
  const folder = mkdtempSync(join(tmpdir(), 'guide-'));
  const file = join(folder, 'config.yaml');
  writeFileSync(file, shown?.lines.join('\n') ?? '');

  const { config, warnings } = loadConfig({ file, env: {}, flags: [], cronFault: () => null });
  rmSync(folder, { recursive: true });

  expect(config.cluster.name).toBe('prod');
  expect(config.stores.map(({ type }) => type)).toEqual(['file']);
  expect(warnings).toEqual([]);
});

describe('docs/formats.md', () => {
  const formats = readGuide('docs/formats.md');

  test('has every key of a manifest with what it takes, and no other', () => {
    const rows = [
      ...formats.section('The manifest').text.matchAll(/^\| `([^`]+)` \| ([^|]+) \|/gm),
    ];
    const told = rows.map(([, key = '', value = '']) => ({ key, value }));

    const asked = manifestKeys();
    expect(asked.length).toBeGreaterThan(50);
    expect(told.toSorted((left, right) => (left.key < right.key ? -1 : 1))).toEqual(asked);
  });

  test('tells the parts that nobody signs, as they are left out', () => {
    const [left = ''] = /del\([^)]*\)/.exec(formats.text) ?? [];
    const sample = sampleManifest();
    const changed = (change: object): boolean =>
      !manifestCore({ ...sample, ...change }).equals(manifestCore(sample));
    const free = {
      '.finishedAt': { finishedAt: new Date(0) },
      '.hold': { hold: null },
      '.labels': { labels: {} },
      '.proofs.stored': { proofs: { ...sample.proofs, stored: sample.proofs.restored } },
      '.proofs.restored': { proofs: { ...sample.proofs, restored: sample.proofs.stored } },
    };

    expect(left).toBe(`del(${['.authentication', ...Object.keys(free)].join(',')})`);
    expect(Object.values(free).map(changed)).toEqual(Array(5).fill(false));
    expect(changed({ host: 'another' })).toBe(true);
  });

  test('shows names that the catalog knows', () => {
    const cluster = '0123456789abcdef';
    const [id = ''] = /\d{8}T\d{6}Z-r\d+-\w{4}/.exec(formats.text) ?? [];
    const [stem = ''] = /\d{8}T\d{6}Z-[a-z0-9]{4}\b/.exec(formats.text) ?? [];

    expect(parseObjectName(`${cluster}/${id}.json`)).toMatchObject({ kind: 'manifest', id });
    for (const end of ['.db', '.db.zst.age', '.db.gz']) {
      expect(parseObjectName(`${cluster}/${stem}${end}`)).toMatchObject({ kind: 'data', stem });
    }
  });
});
