/**
 * Guides for operators, followed word for word: their commands are run by a shell, in which this
 * program and etcd's own tools have their usual names, and what they print is held to what the
 * guide shows. What is different each time (times, ids, ports, sizes) is not compared.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { environmentName } from '../../src/config/entry.ts';
import { shellWord } from '../../src/core/shell-word.ts';
import { bringTool } from '../setup/tool.ts';
import type { TestCluster } from './etcd.ts';
import type { Workplace } from './house.ts';

const root = join(import.meta.dirname, '..', '..');
const main = join(root, 'src', 'main.ts');

export interface Block {
  /** `sh` for commands, the empty text for what they print. */
  readonly language: string;
  readonly lines: readonly string[];
}

export interface Guide {
  readonly text: string;
  /** What stands below a heading, up to the next one of the same rank. */
  section(heading: string): Guide;
  readonly blocks: readonly Block[];
  /** The lines of all blocks with commands. */
  readonly commands: readonly string[];
  /** The output that is shown below the command. */
  outputOf(command: string): readonly string[];
}

export function readGuide(name: string): Guide {
  return guideOf(readFileSync(join(root, name), 'utf8'));
}

export function guideOf(text: string): Guide {
  const found = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  const blocks = found.map(([, language = '', body = '']): Block => {
    return { language, lines: body.trimEnd().split('\n') };
  });
  const shells = blocks.filter(({ language }) => language === 'sh');
  return {
    text,
    blocks,
    commands: shells.flatMap(({ lines }) => lines),
    section: (heading) => guideOf(below(text, heading)),
    outputOf: (command) => {
      const at = blocks.findIndex(({ lines }) => lines.at(-1) === command);
      const shown = blocks[at + 1];
      if (at < 0 || shown?.language !== '') throw new Error(`no output is shown for ${command}`);
      return shown.lines;
    },
  };
}

function below(text: string, heading: string): string {
  const lines = text.split('\n');
  const from = lines.findIndex((line) => /^#+ /.test(line) && line.endsWith(`# ${heading}`));
  if (from < 0) throw new Error(`no heading ${heading}`);
  const rank = lines[from]?.indexOf(' ') ?? 0;
  const isNext = (line: string): boolean => /^#+ /.test(line) && line.indexOf(' ') <= rank;
  const to = lines.findIndex((line, at) => at > from && isNext(line));
  return lines.slice(from + 1, to < 0 ? undefined : to).join('\n');
}

export interface Shell {
  readonly etcd: TestCluster;
  readonly place: Workplace;
  /** What the guide says, and what it is here. */
  readonly here?: Readonly<Record<string, string>>;
  /** With the standard programs that the lines call. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs lines of a guide one after the other; rejects with what was said when one of them fails. */
export async function follow(lines: readonly string[], shell: Shell): Promise<string> {
  const { etcd, place, here = {} } = shell;
  const { etcdctl, etcdutl = etcdctl } = etcd.binaries;
  const endpoints = `--endpoints=${etcd.clientUrls.join(',')}`;
  const program = [process.execPath, main].map(shellWord).join(' ');
  const prelude = [
    `etcd-backupd() { ${program} "$@"; }`,
    `etcdctl() { ${shellWord(etcdctl)} ${endpoints} "$@"; }`,
    `etcdutl() { ${shellWord(etcdutl)} "$@"; }`,
  ];
  const meant = Object.entries(here).reduce(
    (text, [shown, real]) => text.replaceAll(shown, real),
    lines.join('\n'),
  );
  const settings = Object.entries(place.settings).map(([key, value]) => {
    return [environmentName(key), value];
  });
  const env = { ...(shell.env ?? (await bringTool('curl'))), ...Object.fromEntries(settings) };
  const script = [...prelude, 'set -e', meant].join('\n');
  const options = { cwd: place.dir, env, maxBuffer: 16 * 1024 ** 2 };
  const { stdout } = await promisify(execFile)('bash', ['-c', script], options);
  return stdout;
}

const changing: readonly (readonly [RegExp, string])[] = [
  [/\b\d{8}T\d{6}Z-r\d{17,19}-[a-z0-9]{4}\b/g, 'ID'],
  [/\b\d{8}T\d{6}Z-[a-z0-9]{4}\b/g, 'STEM'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME'],
  [/\b\d{8}T\d{6}Z\b/g, 'TIME'],
  [/https?:\/\/[\w.]+:\d+/g, 'URL'],
  [/\b[0-9a-f]{64}\b/g, 'SHA256'],
  [/\b[0-9a-f]{16}\b/g, 'HEX'],
  [/\b[0-9a-f]{12}\b/g, 'CHANCE'],
  [/\b\d+(\.\d+)?(ms|s|m|h|d)\b/g, 'WHILE'],
  [/\b\d+(\.\d+)? (KiB|MiB|GiB)\b/g, 'SIZE'],
  [/\b(revision) \d+/g, '$1 N'],
  [/\b\d+ (keys|bytes)\b/g, 'N $1'],
  [/^(revision +)\d+/gm, '$1N'],
  [/ +/g, ' '],
];

/** The lines of an output without what is different each time. */
export function steady(text: string): string[] {
  const same = changing.reduce((left, [shape, word]) => left.replace(shape, word), text);
  return same.split('\n').map((line) => line.trimEnd());
}

/**
 * What is shown and was not printed, in this order. A line `...` stands for lines that are left out,
 * and one that ends in ` ...` for any that begins so.
 */
export function unprinted(shown: readonly string[], printed: string): string[] {
  let rest = steady(printed);
  return steady(shown.join('\n')).filter((line) => {
    if (line === '...') return false;
    const begin = line.endsWith(' ...') ? line.slice(0, -' ...'.length) : undefined;
    const at = rest.findIndex((one) =>
      begin === undefined ? one === line : one.startsWith(begin),
    );
    rest = rest.slice(at + 1);
    return at < 0;
  });
}
