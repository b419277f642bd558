/** Completion for fish. */
import {
  type Behind,
  type CommandWords,
  type OptionWord,
  type ProgramWords,
  switchWords,
} from './words.ts';

const complete = 'complete -c etcd-backupd';

export function fishCompletion({ commands, config }: ProgramWords): string {
  const configured = commands.filter(({ takesConfig }) => takesConfig).map(({ name }) => name);
  const lines = [
    '# fish completion for etcd-backupd, made by "etcd-backupd completion fish".',
    'function __etcd_backupd_in',
    '  set -l words (commandline -opc)',
    '  test (count $words) -ge 2; and contains -- $words[2] $argv',
    'end',
    'function __etcd_backupd_first',
    '  test (count (commandline -opc)) -eq $argv[1]',
    'end',
    `${complete} -f`,
    ...commands.map(({ name, summary }) => {
      return `${complete} -n '__etcd_backupd_first 1' -a ${name} -d ${quoted(summary)}`;
    }),
    ...commands.flatMap(commandLines),
    ...config.map((option) => optionLine(configured, option)),
  ];
  return `${lines.join('\n')}\n`;
}

function commandLines({ name, options, words, takesFile }: CommandWords): readonly string[] {
  const first = `${complete} -n '__etcd_backupd_in ${name}; and __etcd_backupd_first 2'`;
  return [
    ...options.map((option) => optionLine([name], option)),
    ...words.map((word) => `${first} -a ${word}`),
    ...(takesFile ? [`${first} -F`] : []),
  ];
}

function optionLine(names: readonly string[], { flag, behind, doc }: OptionWord): string {
  const where = `-n '__etcd_backupd_in ${names.join(' ')}'`;
  const value = valueWords(behind);
  return `${complete} ${where} -l ${flag.slice(2)}${value} -d ${quoted(doc)}`;
}

function valueWords(behind: Behind): string {
  switch (behind) {
    case 'nothing':
      return '';
    case 'switch':
      return ` -a '${switchWords.join(' ')}'`;
    case 'text':
      return ' -x';
    case 'file':
      return ' -r -F';
    case 'folder':
      return " -x -a '(__fish_complete_directories)'";
    default:
      return ` -x -a '${behind.join(' ')}'`;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
