import { exitCodeOf, onSignals } from '../../daemon/shutdown.ts';
import { systemdSupervisor } from '../../daemon/systemd.ts';
import { logObserver } from '../../observe/log.ts';
import { attend } from '../attend.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, loadSettings } from '../settings.ts';

export const runCommand: Command = {
  name: 'run',
  summary: 'Run the daemon: backups on schedule, metrics and the admin API',
  usage: '[options]',
  positionals: { min: 0, max: 0 },
  options: configOptions,
  examples: [
    'etcd-backupd run --config /etc/etcd-backupd/config.yaml',
    'etcd-backupd run --schedule.cron "0 */6 * * *" --log.pretty',
  ],
  codes: ['http-listen', 'stopped', 'internal'],
  run,
};

/**
 * The first SIGTERM or SIGINT lets a running backup finish and aborts a restore, the second aborts
 * the backup too, the third ends the process. A cluster or store that does not answer is no reason
 * not to start.
 */
async function run(call: Call): Promise<number> {
  const loaded = loadSettings(call, { checkFiles: true });
  for (const warning of loaded.warnings) call.terminal.err(`warning: ${warning}\n`);
  const { level, pretty } = loaded.config.log;
  const log = logObserver({
    level,
    pretty,
    destination: { write: (line: string) => call.terminal.out(line) },
  });
  const supervisor = systemdSupervisor({
    env: call.env,
    pid: process.pid,
    complain: (line) => call.terminal.err(line),
  });
  await using attended = await attend(loaded, log, supervisor);
  const { daemon, restores } = attended;
  using _signals = onSignals({
    process: call.signals,
    drain: (signal) => {
      void restores.close();
      void daemon.drain(signal);
    },
    abort: () => void daemon.abort(),
    exit: call.exit,
  });
  const end = await daemon.ended;
  // Here, where the third signal still ends the process.
  await restores.close();
  return exitCodeOf(end);
}
