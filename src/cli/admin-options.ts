/** What the admin API is given: a view of the daemon, by the configuration that holds now. */
import type { LoadedConfig } from '../config/load.ts';
import { readSecretFile } from '../config/secret-file.ts';
import { serverTlsReader } from '../config/server-tls.ts';
import type { Observe } from '../core/events.ts';
import type { Daemon } from '../daemon/daemon.ts';
import type { Jobs } from '../daemon/jobs.ts';
import type { Restores } from '../daemon/restores.ts';
import type { Verifies } from '../daemon/verifies.ts';
import { type EventSource, EventStreams } from '../http/event-streams.ts';
import type { AdminOptions, TokenSources } from '../http/sources.ts';
import type { State } from '../observe/state.ts';
import { backupDesk } from './backup-desk.ts';
import { heals } from './chores.ts';
import type { Reloads } from './reloads.ts';
import type { Residence } from './residence.ts';
import { workDesk } from './work-desk.ts';

export interface AdminParts {
  readonly residence: Residence;
  readonly daemon: Daemon;
  readonly restores: Restores;
  readonly reloads: Reloads;
  readonly jobs: Jobs;
  readonly verifies: Verifies;
  readonly metrics: AdminOptions['metrics'];
  readonly state: State;
  readonly feed: EventSource;
  readonly observe: Observe;
}

/** Some of it changes with a reload, and is therefore asked for at each use. */
export function adminOptions(parts: AdminParts): AdminOptions {
  const { residence, daemon, restores, reloads, jobs, verifies, metrics, state, observe } = parts;
  const { listen, tls } = residence.loaded.config.http;
  const { requestHeal, ...work } = workDesk({ daemon, jobs, verifies, lodging: residence });
  return {
    listen,
    get tokens() {
      return tokensOf(residence.loaded);
    },
    get clients() {
      return residence.loaded.config.http.clients;
    },
    tls: tls === null ? undefined : serverTlsReader(tls),
    status: state.report,
    backups: backupDesk(residence),
    jobs,
    ...work,
    get requestHeal() {
      return heals(residence.loaded) ? requestHeal : undefined;
    },
    restores,
    reload: () => reloads.ask('admin API'),
    metrics,
    alive: () => daemon.alive(),
    ready: () => daemon.ready(),
    observe,
    events: new EventStreams(parts.feed),
  };
}

/** Tokens are read at every request, so that a rotated file counts at once. */
function tokensOf({ config }: LoadedConfig): TokenSources {
  const { read, operate, restore } = config.http.tokens;
  const from = (path: string) => () => {
    try {
      return readSecretFile(path).reveal();
    } catch {
      // A token that cannot be read opens nothing; the caller sees that it was refused.
      return undefined;
    }
  };
  return {
    ...(read === null ? {} : { read: from(read) }),
    ...(operate === null ? {} : { operate: from(operate) }),
    ...(restore === null ? {} : { restore: from(restore) }),
  };
}
