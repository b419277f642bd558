/** Completion for bash. Nothing of it runs the program: it works where the program does not. */
import { type Behind, type CommandWords, type ProgramWords, switchWords } from './words.ts';

export function bashCompletion({ commands, config }: ProgramWords): string {
  const own = commands.flatMap(({ name, options }) =>
    options.map(({ flag, behind }) => ({ pattern: `'${name} ${flag}'`, behind })),
  );
  const keys = config.map(({ flag, behind }) => ({ pattern: `*' ${flag}'`, behind }));
  return `# bash completion for etcd-backupd, made by "etcd-backupd completion bash".
_etcd_backupd() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  local command=\${COMP_WORDS[1]}
  local config=${quoted(config.map(({ flag }) => flag))}
  local joined=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _etcd_backupd_words ${quoted([...commands.map(({ name }) => name), 'help', 'version'])}
    return
  fi
  # "=" is a word of its own for bash.
  if [[ $cur == = ]]; then
    cur= joined=yes
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]} joined=yes
  fi
  case "$command $prev" in
${valueCases([...own, ...keys])}  esac
  case $command in
${commands.map(commandCase).join('')}  esac
}
_etcd_backupd_words() {
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}
_etcd_backupd_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen "$1" -- "$cur")
}
complete -F _etcd_backupd etcd-backupd
`;
}

interface ValueCase {
  readonly pattern: string;
  readonly behind: Behind;
}

/** One case for all options that are followed by the same. */
function valueCases(cases: readonly ValueCase[]): string {
  const followed = cases.filter(({ behind }) => behind !== 'nothing');
  const groups = Map.groupBy(followed, ({ behind }) => String(behind));
  return [...groups]
    .map(([, same]) => {
      const action = valueAction(same[0]?.behind ?? 'nothing');
      const patterns = same.map(({ pattern }) => pattern).join(' | \\\n      ');
      return `    ${patterns})\n${action.map((line) => `      ${line}\n`).join('')}      ;;\n`;
    })
    .join('');
}

function valueAction(behind: Behind): readonly string[] {
  switch (behind) {
    case 'nothing':
    case 'text':
      return ['return'];
    case 'switch': {
      const give = `_etcd_backupd_words ${quoted(switchWords)}`;
      return ['if [[ $joined ]]; then', `  ${give}`, '  return', 'fi'];
    }
    case 'file':
      return ['_etcd_backupd_files -f', 'return'];
    case 'folder':
      return ['_etcd_backupd_files -d', 'return'];
    default:
      return [`_etcd_backupd_words ${quoted(behind)}`, 'return'];
  }
}

function commandCase({ name, options, takesConfig, words, takesFile }: CommandWords): string {
  const flags = options.map(({ flag }) => flag);
  const lines = [
    'if [[ $cur == -* ]]; then',
    `  _etcd_backupd_words ${quoted(flags)}`,
    // A hundred keys behind two dashes would hide the few options that most calls need.
    ...(takesConfig
      ? ['  [[ $cur == --?* ]] && COMPREPLY+=($(compgen -W "$config" -- "$cur"))']
      : []),
    ...(words.length > 0 || takesFile ? ['else'] : []),
    ...(words.length > 0 ? [`  ((COMP_CWORD == 2)) && _etcd_backupd_words ${quoted(words)}`] : []),
    ...(takesFile ? ['  _etcd_backupd_files -f'] : []),
    'fi',
  ];
  return `    ${name})\n${lines.map((line) => `      ${line}\n`).join('')}      ;;\n`;
}

/** Words of ours have no character that a shell would read as anything else. */
function quoted(words: readonly string[]): string {
  return `'${words.join(' ')}'`;
}
