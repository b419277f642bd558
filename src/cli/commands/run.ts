import type { LogConfig } from '../../config/config.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Observe } from '../../core/events.ts';
import { exitCodeOf, onHangups, onSignals } from '../../daemon/shutdown.ts';
import { systemdSupervisor } from '../../daemon/systemd.ts';
import { logObserver } from '../../observe/log.ts';
import { attend } from '../attend.ts';
import type { Call, Command } from '../command.ts';
import { configFileOf, configOptions, loadSettings } from '../settings.ts';
import { loadStill } from '../still-file.ts';

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
 * the backup too, the third ends the process; SIGHUP reloads the configuration. A cluster or store
 * that does not answer is no reason not to start.
 */
async function run(call: Call): Promise<number> {
  using hangups = onHangups(call.signals);
  const loaded = load(call, true);
  let log = logOf(loaded.config.log, call);
  const supervisor = systemdSupervisor({
    env: call.env,
    pid: process.pid,
    complain: (line) => call.terminal.err(line),
  });
  await using attended = await attend(loaded, (event) => log(event), {
    supervisor,
    reload: () => loadStill(configFileOf(call), () => load(call, 'but-stores')),
    reloaded: ({ config }) => {
      log = logOf(config.log, call);
    },
  });
  const { daemon, restores } = attended;
  // What comes of it is told by events.
  hangups.answer(() => void attended.reload('SIGHUP').catch(() => undefined));
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

function load(call: Call, checkFiles: true | 'but-stores'): LoadedConfig {
  const loaded = loadSettings(call, { checkFiles });
  for (const warning of loaded.warnings) call.terminal.err(`warning: ${warning}\n`);
  return loaded;
}

function logOf({ level, pretty }: LogConfig, { terminal }: Call): Observe {
  return logObserver({
    level,
    pretty,
    destination: { write: (line: string) => terminal.out(line) },
  });
}
