/**
 * The manual page, made from what the commands say of themselves.
 *
 *     npm run man
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from '../src/cli/command.ts';
import { codesOf } from '../src/cli/help.ts';
import { loadCommands } from '../src/cli/program.ts';
import { failureCodes, failureTable } from '../src/core/errors.ts';
import { programVersion } from '../src/core/version.ts';

export const manPageName = 'etcd-backupd.8';

export function manPage(commands: readonly Command[]): string {
  const lines = [
    `.TH ETCD\\-BACKUPD 8 "" "etcd\\-backupd ${programVersion}" "System Administration"`,
    // Wide gaps between words are hard to read, and so are options that are cut in two.
    '.ad l',
    '.nh',
    ...section('NAME', [`etcd${dash}backupd ${dash} backups of etcd that are proved`]),
    ...section('SYNOPSIS', ['.B etcd\\-backupd', '.I COMMAND', '[options]']),
    ...section('DESCRIPTION', description),
    ...section('COMMANDS', commands.flatMap(commandLines)),
    ...section('EXIT STATUS', exitLines()),
    ...section('ENVIRONMENT', environment),
    ...section('FILES', files),
    ...section('SIGNALS', signals),
    ...section('SEE ALSO', ['.BR etcd (1),', '.BR etcdutl (1),', '.BR systemd.service (5)']),
  ];
  return `${lines.join('\n')}\n`;
}

const dash = '\\-';

const description = [
  text(
    'The daemon ("run") takes snapshots of an etcd cluster on a schedule, proves them, and keeps',
  ),
  text(
    'them in folders and buckets. The other commands show, verify, restore and mend what is kept.',
  ),
  text(
    'Stdout is data, stderr is talk. Every key of the configuration is an option too of commands',
  ),
  text('that take --config: --schedule.cron "0 * * * *". "etcd-backupd config reference" explains'),
  text('every key.'),
];

const environment = [
  ...item('ETCD_BACKUPD_CONFIG', 'The configuration file, where --config is not given.'),
  ...item('ETCD_BACKUPD_...', 'Keys of the configuration, such as ETCD_BACKUPD_LOG_LEVEL.'),
];

const files = item(
  '/etc/etcd-backupd/config.yaml',
  'The configuration, where it is and no other is named.',
);

const signals = [
  text(
    'At the first SIGTERM or SIGINT the daemon lets a running backup finish and begins nothing,',
  ),
  text('at the second it aborts the backup too, at the third it ends at once.'),
];

function section(title: string, lines: readonly string[]): readonly string[] {
  return [`.SH ${title}`, ...lines];
}

function commandLines(command: Command): readonly string[] {
  const { name, summary, usage, options, examples } = command;
  const optionLines = Object.entries(options).flatMap(([option, { value, doc }]) => {
    return item(`--${option}${value === undefined ? '' : ` ${value}`}`, doc);
  });
  const codes = codesOf(command).map((code) => `${failureTable[code].exit} ${code}`);
  return [
    `.SS ${quoted(`${name} ${usage}`)}`,
    text(`${summary}.`),
    ...optionLines,
    '.PP',
    text(`Exit status: 0, ${codes.join(', ')}.`),
    '.PP',
    'For example:',
    '.PP',
    '.nf',
    '.RS',
    ...examples.map(text),
    '.RE',
    '.fi',
  ];
}

function exitLines(): readonly string[] {
  const rows = failureCodes.map((code) => {
    const { exit, hint } = failureTable[code];
    return item(`${exit} ${code}`, hint);
  });
  return [...item('0', 'All went well.'), ...rows.flat()];
}

function item(name: string, about: string): readonly string[] {
  return ['.TP', `.B ${quoted(name)}`, text(about)];
}

/** A line of text: nothing in it is a request or an escape of roff. */
function text(line: string): string {
  const safe = escaped(line);
  return /^[.']/.test(safe) ? `\\&${safe}` : safe;
}

function quoted(words: string): string {
  return `"${escaped(words).replaceAll('"', '\\(dq')}"`;
}

function escaped(words: string): string {
  return words.replaceAll('\\', '\\e').replaceAll('-', dash);
}

if (import.meta.main) {
  const path = join(import.meta.dirname, '..', 'dist', 'man', manPageName);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, manPage(await loadCommands()));
  process.stdout.write(`${path}\n`);
}
