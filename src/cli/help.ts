/** Help texts, made from the table of commands and the table of failures. */
import { type FailureCode, failureTable } from '../core/errors.ts';
import type { Command, Option } from './command.ts';

const configHint = `Every key of the configuration is a flag as well: --schedule.cron "0 * * * *".
`;

export function programHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`);
  return `etcd-backupd: backups of etcd that are proved

Usage: etcd-backupd COMMAND [options]

Commands:
${lines.join('')}
Stdout is data, stderr is talk. "etcd-backupd COMMAND --help" shows options, examples and exit
codes; "etcd-backupd config reference" explains every key.
`;
}

export function commandHelp(command: Command): string {
  const options = { ...command.options, help: { type: 'boolean', doc: 'show this' } as Option };
  const named = Object.entries(options).map(([name, { value, doc }]) => {
    return [`--${name}${value === undefined ? '' : ` ${value}`}`, doc] as const;
  });
  const width = Math.max(...named.map(([flag]) => flag.length));
  const optionLines = named.map(([flag, doc]) => `  ${flag.padEnd(width)}  ${doc}\n`).join('');
  const takesConfig = 'config' in command.options;
  return `${command.summary}

Usage: etcd-backupd ${command.name} ${command.usage}

Options:
${optionLines}${takesConfig ? configHint : ''}
Examples:
${command.examples.map((example) => `  ${example}\n`).join('')}
Exit codes:
   0  all went well
${exitLines(codesOf(command))}`;
}

/** What its exit status commonly tells. */
export function codesOf(command: Command): readonly FailureCode[] {
  const configured = 'config' in command.options ? (['config-invalid'] as const) : [];
  return ['usage', ...configured, ...command.codes];
}

function exitLines(codes: readonly FailureCode[]): string {
  return codes
    .map((code) => `  ${String(failureTable[code].exit).padStart(2)}  ${code}\n`)
    .join('');
}
