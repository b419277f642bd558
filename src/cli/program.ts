/** From the words of a command line to a command, and from its end to an exit status. */
import { parseArgs } from 'node:util';
import { splitConfigFlags } from '../config/flags.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { programVersion } from '../core/version.ts';
import type { Call, Command, Surroundings } from './command.ts';
import { commandHelp, programHelp } from './help.ts';

/** Loaded when they are called: a backup needs no web server, and help no cluster. */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./commands/run.ts')).runCommand,
  backup: async () => (await import('./commands/backup.ts')).backupCommand,
  list: async () => (await import('./commands/list.ts')).listCommand,
  show: async () => (await import('./commands/show.ts')).showCommand,
  verify: async () => (await import('./commands/verify.ts')).verifyCommand,
  scrub: async () => (await import('./commands/scrub.ts')).scrubCommand,
  restore: async () => (await import('./commands/restore.ts')).restoreCommand,
  extract: async () => (await import('./commands/extract.ts')).extractCommand,
  'put-back': async () => (await import('./commands/put-back.ts')).putBackCommand,
  drill: async () => (await import('./commands/drill.ts')).drillCommand,
  init: async () => (await import('./commands/init.ts')).initCommand,
  copy: async () => (await import('./commands/copy.ts')).copyCommand,
  heal: async () => (await import('./commands/heal.ts')).healCommand,
  prune: async () => (await import('./commands/prune.ts')).pruneCommand,
  hold: async () => (await import('./commands/hold.ts')).holdCommand,
  member: async () => (await import('./commands/member.ts')).memberCommand,
  check: async () => (await import('./commands/check.ts')).checkCommand,
  status: async () => (await import('./commands/status.ts')).statusCommand,
  health: async () => (await import('./commands/health.ts')).healthCommand,
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand,
  config: async () => (await import('./commands/config.ts')).configCommand,
  completion: async () => (await import('./commands/completion.ts')).completionCommand,
  demo: async () => (await import('./commands/demo.ts')).demoCommand,
};

export function loadCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(loaders).map((load) => load()));
}

/** Runs the command line and resolves with the exit status. Never rejects. */
export async function runProgram(around: Surroundings): Promise<number> {
  const { terminal, argv } = around;
  try {
    const [first, ...rest] = argv;
    if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
      terminal.out(programHelp(await loadCommands()));
      return first === undefined ? 2 : 0;
    }
    if (first === 'version' || first === '--version') {
      terminal.out(`${programVersion}\n`);
      return 0;
    }
    return await runNamed(first, rest, around);
  } catch (error) {
    const failure = toFailure(error);
    terminal.err(`etcd-backupd: ${failure.message}\n  ${failure.hint}\n`);
    if (failure.code === 'internal') terminal.err(`${stackOf(failure)}\n`);
    return failure.exitCode;
  }
}

async function runNamed(
  name: string,
  words: readonly string[],
  around: Surroundings,
): Promise<number> {
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (load === undefined) {
    const known = Object.keys(loaders).join(', ');
    throw new Failure('usage', `there is no command ${JSON.stringify(name)}; there are: ${known}`);
  }
  const command = await load();
  if (words.includes('--help') || words.includes('-h')) {
    around.terminal.out(commandHelp(command));
    return 0;
  }
  const stop = new AbortController();
  const listener = (): void => stop.abort(new Failure('stopped', 'stopped by a signal'));
  const listened: NodeJS.Signals[] = command.name === 'run' ? [] : ['SIGINT', 'SIGTERM'];
  for (const signal of listened) around.signals.on(signal, listener);
  try {
    const given = { ...around, ...parseCall(command, words), commands: loadCommands };
    return await command.run({ ...given, signal: stop.signal });
  } finally {
    for (const signal of listened) around.signals.off(signal, listener);
  }
}

/** The words behind the name of a command. Throws `usage`. */
export function parseCall(
  command: Command,
  words: readonly string[],
): Pick<Call, 'values' | 'positionals' | 'flags'> {
  const takesConfig = 'config' in command.options;
  const { flags, rest } = takesConfig ? splitConfigFlags(words) : { flags: [], rest: words };
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, multiple = false }]) => {
      return [name, { type, multiple }];
    }),
  );
  const { values, positionals } = parseWords(command, rest, options);
  const { min, max } = command.positionals;
  if (positionals.length < min || positionals.length > max) {
    throw new Failure('usage', `usage: etcd-backupd ${command.name} ${command.usage}`);
  }
  return { values: values as Call['values'], positionals, flags };
}

function parseWords(
  command: Command,
  args: readonly string[],
  options: Record<string, { type: 'string' | 'boolean'; multiple: boolean }>,
): { values: Record<string, unknown>; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const reason = (error as Error).message.replace(/\. To specify.*$/s, '');
    throw new Failure('usage', `${command.name}: ${reason}`);
  }
}

/** Stacks are for faults of this program only. */
function stackOf(failure: Failure): string {
  const origin = failure.cause instanceof Error ? failure.cause : failure;
  return origin.stack ?? String(origin);
}
