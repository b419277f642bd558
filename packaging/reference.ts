/** All commands, options and exit codes as Markdown, from what the commands say of themselves. */
import type { Command } from '../src/cli/command.ts';
import { codesOf } from '../src/cli/help.ts';
import { failureCodes, failureTable } from '../src/core/errors.ts';

export function commandReference(commands: readonly Command[]): string {
  const lines = [...intro(commands), ...commands.flatMap(commandSection), ...exitCodes()];
  return `${lines.join('\n')}\n`;
}

function intro(commands: readonly Command[]): readonly string[] {
  return [
    '# Commands',
    '',
    'Generated from the commands: `etcd-backupd COMMAND --help` prints the same. Every key of the',
    '[configuration](configuration.md) is an option too of those that take `--config`.',
    '',
    '| command | |',
    '|---|---|',
    ...commands.map(({ name, summary }) => `| [\`${name}\`](#${name}) | ${cell(summary)} |`),
    '',
    '`help` and `version` explain themselves. Stdout is data, stderr is talk.',
  ];
}

function commandSection(command: Command): readonly string[] {
  const { name, summary, usage, examples } = command;
  const options = Object.entries(command.options).map(([option, { value, multiple, doc }]) => {
    const words = `--${option}${value === undefined ? '' : ` ${value}`}`;
    return `| \`${words}\` | ${cell(doc)}${multiple ? '; may be given several times' : ''} |`;
  });
  const codes = codesOf(command).map((code) => `${failureTable[code].exit} \`${code}\``);
  return [
    '',
    `## ${name}`,
    '',
    `${summary}.`,
    '',
    '```sh',
    `etcd-backupd ${name} ${usage}`,
    '```',
    ...(options.length === 0 ? [] : ['', '| option | |', '|---|---|', ...options]),
    '',
    'For example:',
    '',
    '```sh',
    ...examples,
    '```',
    '',
    `Exit codes: 0, ${codes.join(', ')}.`,
  ];
}

function exitCodes(): readonly string[] {
  return [
    '',
    '## Exit codes',
    '',
    '| code | name | what to do | again |',
    '|---|---|---|---|',
    '| 0 | success | | |',
    ...failureCodes.map((code) => {
      const { exit, hint, retryable } = failureTable[code];
      return `| ${exit} | \`${code}\` | ${cell(hint)} | ${retryable ? 'may help' : ''} |`;
    }),
    '',
    '**again**: whether the same call, made later, may end well without help.',
  ];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
