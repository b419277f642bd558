/**
 * Reloads of the configuration: read and checked at once, taken over between two jobs, refused as
 * a whole. What comes while one is read is answered by it: the file is read after all of them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { changedKeys, isSameConfig, movedStores, requireReloadable } from '../config/changes.ts';
import type { LoadedConfig } from '../config/load.ts';
import { type Failure, toFailure } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import type { Daemon, Duties } from '../daemon/daemon.ts';
import type { ReloadAnswer } from '../http/sources.ts';
import { targetsOf } from './notifier.ts';

export interface ReloadsDeps {
  /** Reads and checks; throws `config-invalid` with all problems. */
  readonly load: () => Promise<LoadedConfig>;
  readonly current: () => LoadedConfig;
  readonly daemon: Pick<Daemon, 'follow'>;
  /** Called while nothing runs. Where it throws, nothing has changed. */
  readonly takeOver: (loaded: LoadedConfig) => Duties;
  readonly observe: Observe;
  /** How long an answer waits for the daemon; 1.5 s unless given. */
  readonly applyMs?: number;
}

// Longer than a daemon takes that does nothing, shorter than callers mind to wait.
const usualApplyMs = 1500;

export class Reloads {
  readonly #deps: ReloadsDeps;
  #reading: Promise<ReloadAnswer> | undefined;
  /** Was handed over and does not hold yet. */
  #waiting: LoadedConfig | undefined;

  constructor(deps: ReloadsDeps) {
    this.#deps = deps;
  }

  /** Throws why it was refused, which has been told by then, and `stopped` during a stop. */
  ask(by: string): Promise<ReloadAnswer> {
    this.#reading ??= this.#reload(by);
    return this.#reading;
  }

  async #reload(by: string): Promise<ReloadAnswer> {
    return await this.#handOver(by, await this.#read(by));
  }

  async #read(by: string): Promise<LoadedConfig> {
    try {
      const loaded = await this.#deps.load();
      requireReloadable(this.#deps.current(), loaded);
      return loaded;
    } catch (thrown) {
      // What waits was in the file before: it is not what anybody wants now.
      this.#callOff();
      throw this.#refused(by, thrown);
    } finally {
      // Whoever asks from now on may have changed the file since.
      this.#reading = undefined;
    }
  }

  async #handOver(by: string, loaded: LoadedConfig): Promise<ReloadAnswer> {
    const { current, daemon, observe, applyMs = usualApplyMs } = this.#deps;
    const changed = changedKeys(current(), loaded);
    if (isSameConfig(current(), loaded)) {
      this.#callOff();
      observe(reloadedEvent(by, current(), loaded));
      return { status: 'unchanged', changed };
    }
    const applied = Promise.withResolvers<true>();
    this.#waiting = loaded;
    daemon.follow(() => {
      this.#waiting = undefined;
      return this.#apply(by, loaded, applied);
    });
    if (await Promise.race([applied.promise, sleep(applyMs, false, { ref: false })])) {
      return { status: 'applied', changed };
    }
    if (this.#waiting === loaded) observe({ kind: 'config-waiting', by });
    return { status: 'waiting', changed };
  }

  #apply(
    by: string,
    loaded: LoadedConfig,
    applied: Pick<PromiseWithResolvers<true>, 'resolve' | 'reject'>,
  ): Duties | undefined {
    const { current, takeOver, observe } = this.#deps;
    const old = current();
    try {
      const duties = takeOver(loaded);
      observe(reloadedEvent(by, old, loaded));
      applied.resolve(true);
      return duties;
    } catch (thrown) {
      applied.reject(this.#refused(by, thrown));
      return undefined;
    }
  }

  #refused(by: string, thrown: unknown): Failure {
    const failure = toFailure(thrown);
    this.#deps.observe({ kind: 'config-refused', by, failure });
    return failure;
  }

  /** Throws `stopped` during a stop. */
  #callOff(): void {
    this.#deps.daemon.follow(undefined);
    this.#waiting = undefined;
  }
}

function reloadedEvent(by: string, old: LoadedConfig, { config, settings }: LoadedConfig) {
  const { cluster, stores, scrub } = config;
  return {
    kind: 'config-reloaded',
    by,
    changed: changedKeys(old, { settings }),
    cluster: cluster.name,
    stores: stores.map(({ name }) => name),
    moved: movedStores(old.config, config),
    targets: targetsOf(config),
    scrubWithinMs: scrub.cron === null ? 0 : scrub.withinMs,
  } as const;
}
