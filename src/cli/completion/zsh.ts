/** Completion for zsh, by its own _arguments. */
import {
  type Behind,
  type CommandWords,
  type OptionWord,
  type ProgramWords,
  switchWords,
} from './words.ts';

export function zshCompletion({ commands, config }: ProgramWords): string {
  const summaries = commands.map(({ name, summary }) => {
    return `    ${quoted(`${name.replaceAll(':', '\\:')}:${summary}`)}\n`;
  });
  return `#compdef etcd-backupd
# zsh completion for etcd-backupd, made by "etcd-backupd completion zsh".
_etcd-backupd() {
  local state line
  local -a commands config
  commands=(
${summaries.join('')}  )
  config=(
${config.map((option) => `    ${argument(option)}\n`).join('')}  )
  _arguments -C '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $line[1] in
${commands.map(commandCase).join('')}      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _etcd-backupd ]; then
  _etcd-backupd "$@"
else
  compdef _etcd-backupd etcd-backupd
fi
`;
}

function commandCase({ name, options, takesConfig, words, takesFile }: CommandWords): string {
  const first = takesFile
    ? [`'1:file:{ ${words.length > 0 ? `compadd ${words.join(' ')}; ` : ''}_files }'`]
    : words.length > 0
      ? [`'1:word:(${words.join(' ')})'`]
      : [];
  const specs = [...options.map(argument), ...(takesConfig ? ['$config'] : []), ...first];
  const lines = specs.map((spec) => ` \\\n            ${spec}`).join('');
  return `        ${name})\n          _arguments${lines}\n          ;;\n`;
}

function argument({ flag, behind, doc }: OptionWord): string {
  const about = doc.replaceAll(/[[\]\\:]/g, '\\$&');
  if (behind === 'nothing') return quoted(`${flag}[${about}]`);
  if (behind === 'switch') return quoted(`${flag}=-[${about}]::value:(${switchWords.join(' ')})`);
  return quoted(`${flag}=[${about}]:value:${action(behind)}`);
}

function action(behind: Exclude<Behind, 'nothing' | 'switch'>): string {
  switch (behind) {
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'text':
      return ' ';
    default:
      return `(${behind.join(' ')})`;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
