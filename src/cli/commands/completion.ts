import { Failure } from '../../core/errors.ts';
import type { Call, Command } from '../command.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { wordsOf } from '../completion/words.ts';
import { zshCompletion } from '../completion/zsh.ts';

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export const completionCommand: Command = {
  name: 'completion',
  summary: 'Print what completes the words of this program in a shell',
  usage: 'bash|zsh|fish [options]',
  positionals: { min: 1, max: 1 },
  options: {},
  examples: [
    'etcd-backupd completion bash > /usr/share/bash-completion/completions/etcd-backupd',
    'etcd-backupd completion zsh > /usr/share/zsh/vendor-completions/_etcd-backupd',
    'etcd-backupd completion fish > /usr/share/fish/vendor_completions.d/etcd-backupd.fish',
  ],
  codes: [],
  run,
};

async function run(call: Call): Promise<number> {
  const [shell = ''] = call.positionals;
  if (!Object.hasOwn(shells, shell)) {
    throw new Failure('usage', `completion is there for ${Object.keys(shells).join(', ')}`);
  }
  const render = shells[shell as keyof typeof shells];
  call.terminal.out(render(wordsOf(await call.commands())));
  return 0;
}
