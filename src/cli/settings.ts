/** Loads the configuration of a call, and opens the house for it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { Failure, toFailure } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import { parseSchedule } from '../daemon/schedule.ts';
import { joinObservers } from '../observe/join.ts';
import { logObserver } from '../observe/log.ts';
import type { Call, Option } from './command.ts';
import { openNotifier, silentNotifier } from './notifier.ts';
import { type Progress, progressObserver, progressOn } from './progress.ts';
import { paceWarnings } from './scrub-pace.ts';
import { graceWarnings } from './turns.ts';
import { buildHouse, type HouseDeps } from './wire.ts';

const usualFile = '/etc/etcd-backupd/config.yaml';

/** Options that every command with a configuration takes. */
export const configOptions: Readonly<Record<string, Option>> = {
  config: {
    type: 'string',
    value: 'FILE',
    doc: `configuration (default: $ETCD_BACKUPD_CONFIG, else ${usualFile} if it exists)`,
  },
};

export const jsonOption: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', doc: 'print JSON with a stable shape' },
};

/** For commands that open backups. */
export const openingOptions: Readonly<Record<string, Option>> = {
  identity: {
    type: 'string',
    value: 'FILE',
    doc: 'age identities that open encrypted backups (default: seal.identityFile)',
  },
  trust: {
    type: 'string',
    value: 'FILE',
    doc: 'public key that has to have signed (default: seal.trustedKeys, seal.signingKeyFile)',
  },
  'accept-unsigned': { type: 'boolean', doc: 'take a backup though nobody vouches for it' },
};

export function configFileOf(call: Call): string | undefined {
  const named = call.values.config ?? call.env.ETCD_BACKUPD_CONFIG;
  return typeof named === 'string' ? named : existsSync(usualFile) ? usualFile : undefined;
}

export function loadSettings(
  call: Call,
  options: { checkFiles: boolean | 'but-stores' },
): LoadedConfig {
  const file = configFileOf(call);
  const today = new Date();
  const loaded = loadConfig({
    ...(file === undefined ? {} : { file }),
    env: call.env,
    flags: call.flags,
    checkFiles: options.checkFiles,
    cronFault,
    today,
  });
  const ofTimes = [...graceWarnings(loaded, today), ...paceWarnings(loaded.config, today)];
  return { ...loaded, warnings: [...loaded.warnings, ...ofTimes] };
}

/** The schedule's own parser has the last word on a cron text. */
function cronFault(cron: string): string | null {
  try {
    parseSchedule({ cron, timezone: 'UTC' });
    return null;
  } catch (error) {
    return toFailure(error).message;
  }
}

export interface OpenHouse extends AsyncDisposable {
  readonly loaded: LoadedConfig;
  readonly deps: HouseDeps;
  readonly progress: Progress;
  /** For what only others are told: the person at the terminal sees the end of the command. */
  readonly notify: Observe;
}

/**
 * Opens everything for a command that works once: events go to stderr, in plain lines. `notifies`:
 * others are told as by the daemon, and closing waits for that, within a limit.
 */
export function openForCommand(
  call: Call,
  { notifies = false }: { readonly notifies?: boolean } = {},
): OpenHouse {
  const loaded = loadSettings(call, { checkFiles: true });
  for (const warning of loaded.warnings) call.terminal.err(`warning: ${warning}\n`);
  const progress = progressOn(call.terminal);
  const log = logObserver({
    level: loaded.config.log.level,
    pretty: true,
    destination: { write: (line: string) => call.terminal.err(line) },
  });
  const tellHere = joinObservers({ progress: progressObserver(progress), log });
  const notifier = notifies
    ? openNotifier(loaded.config, tellHere, { retries: false })
    : silentNotifier;
  const observe = joinObservers({ tellHere, notify: notifier.observe });
  const acceptsUnsigned = call.values['accept-unsigned'] === true;
  const house = buildHouse(withKeys(loaded.config, call), observe, { acceptsUnsigned });
  const close = async (): Promise<void> => {
    progress.clear();
    await using opened = new AsyncDisposableStack();
    opened.use(notifier);
    opened.use(house);
  };
  const notify = notifier.observe;
  return { loaded, deps: house.deps, progress, notify, [Symbol.asyncDispose]: close };
}

function withKeys(config: Config, { values }: Pick<Call, 'values'>): Config {
  const path = (name: string): string | undefined => {
    const named = values[name];
    if (named === '') throw new Failure('usage', `--${name} is empty`);
    return typeof named === 'string' ? resolve(named) : undefined;
  };
  const [identityFile, trusted] = [path('identity'), path('trust')];
  if (trusted !== undefined && values['accept-unsigned'] === true) {
    throw new Failure('usage', '--trust and --accept-unsigned contradict each other');
  }
  const identity = identityFile === undefined ? {} : { identityFile };
  // Instead of all others: who names a key wants that one.
  const trust = trusted === undefined ? {} : { trustedKeys: [trusted], signingKeyFile: null };
  return { ...config, seal: { ...config.seal, ...identity, ...trust } };
}
