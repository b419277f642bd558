/**
 * The life of the daemon. Whatever happens outside (a tick, a request, a signal, the end of a
 * backup) is only noted; one loop goes round every second, looks at the clock and the notes, and
 * decides. At most one job runs; what comes meanwhile is remembered once.
 */
import { Failure } from '../core/errors.ts';
import type { BackupReport } from '../engine/backup.ts';
import type { BackupOrder } from '../engine/order.ts';
import { Chores } from './chores.ts';
import { ClockWatch } from './clock-watch.ts';
import type { Change, Daemon, DaemonDeps, DaemonEnd, DaemonSettings } from './daemon.ts';
import { type DaemonState, type Health, judgeLife, judgeReadiness } from './health.ts';
import { beginBackup, beginJob, type Job, type Outcome, type WorkOptions } from './job.ts';
import type { Ticks } from './schedule.ts';
import { type Found, prepareStart } from './startup.ts';
import { Timetable } from './timetable.ts';

const beatMs = 1000;
// What an aborted backup gets to remove its leavings; the next start sweeps what it leaves.
const abortLimitMs = 30_000;

export function startDaemon(settings: DaemonSettings, deps: DaemonDeps): Daemon {
  return new Loop(settings, deps);
}

class Loop implements Daemon {
  readonly ended: Promise<DaemonEnd>;
  #settings: DaemonSettings;
  #deps: DaemonDeps;
  readonly #clock: ClockWatch;
  readonly #timetable: Timetable;
  readonly #chores: Chores;
  readonly #abort = new AbortController();

  #state: DaemonState = 'starting';
  #ticks: Ticks | undefined;
  #job: Job | undefined;
  /** Waits until nothing runs. */
  #change: Change | undefined;
  /** What is left to do about a job that has ended. */
  #afterJob: (() => void) | undefined;
  #wake: () => void = () => undefined;
  #drainingMs = 0;
  #abortedMs: number | undefined;
  #cutShort = false;

  constructor(settings: DaemonSettings, deps: DaemonDeps) {
    [this.#settings, this.#deps] = [settings, deps];
    this.#clock = new ClockWatch(deps.now);
    const wake = (): void => this.#wake();
    this.#timetable = new Timetable(settings, deps, { wake, signal: this.#abort.signal });
    this.#chores = new Chores(deps.chores ?? [], deps);
    this.ended = this.#live();
  }

  request(): 'accepted' | 'already-queued' {
    return this.#take(() => this.#timetable.request());
  }

  requestChore(name: string): 'accepted' | 'already-queued' {
    return this.#take(() => this.#chores.request(name));
  }

  alive(): Health {
    const job = this.#job && { name: this.#job.name, quietMs: this.#job.quietMs() };
    const { overdueMs } = this.#timetable;
    return judgeLife({ state: this.#state, beatAgeMs: this.#clock.ageMs, job, overdueMs });
  }

  ready(): Health {
    return judgeReadiness(this.#state);
  }

  follow(change: Change | undefined): void {
    this.#take(() => {
      this.#change = change;
    });
  }

  drain(signal: string): Promise<DaemonEnd> {
    if (this.#isStopping) return this.ended;
    // Nothing of worth is lost with a preparation, which may wait for a dead store, nor a chore.
    if (this.#state === 'starting' || this.#chores.isRunning) this.#abortJob();
    this.#state = 'draining';
    this.#drainingMs = performance.now();
    this.#deps.observe({ kind: 'daemon-draining', signal });
    this.#wake();
    return this.ended;
  }

  abort(): Promise<DaemonEnd> {
    void this.drain('abort');
    this.#abortJob();
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  get #isStopping(): boolean {
    return this.#state === 'draining' || this.#state === 'stopped';
  }

  async #live(): Promise<DaemonEnd> {
    const { observe, about } = this.#deps;
    const startedMs = performance.now();
    observe({ kind: 'daemon-started', ...about });
    try {
      this.#startTicks();
      this.#prepare();
      // The one loop without an end of its own: it is the life of the daemon.
      while (this.#state !== 'draining' || this.#job !== undefined) {
        await this.#pause();
        this.#goRound();
        this.#deps.beat?.(this);
      }
    } finally {
      this.#state = 'stopped';
      this.#ticks?.[Symbol.dispose]();
      this.#abortJob();
    }
    observe({ kind: 'daemon-stopped', uptimeMs: Math.round(performance.now() - startedMs) });
    return { aborted: this.#cutShort };
  }

  /** Until something is noted, and a second at most: no tick is relied on. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, beatMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #startTicks(): void {
    this.#ticks?.[Symbol.dispose]();
    this.#ticks = this.#settings.schedule.startTicks(() => this.#wake());
  }

  #goRound(): void {
    if (this.#clock.look()) this.#ticks?.restart();
    if (!this.#isStopping) this.#look();
    this.#afterJob?.();
    this.#afterJob = undefined;
    if (this.#isStopping) this.#hurry();
    if (this.#state !== 'running') return;
    if (this.#job === undefined) this.#turnOver();
    this.#timetable.announce();
    if (this.#timetable.isReady) this.#chores.giveWay();
    if (this.#job === undefined) this.#beginNext();
  }

  /** Between two jobs, so that each begins and ends under the same settings. */
  #turnOver(): void {
    const duties = this.#change?.();
    this.#change = undefined;
    if (duties === undefined) return;
    this.#settings = duties.settings;
    this.#deps = duties.deps;
    this.#timetable.follow(duties.settings, duties.deps);
    this.#chores.follow(duties.deps.chores ?? []);
    this.#startTicks();
  }

  #look(): void {
    this.#timetable.look(this.#job?.name);
    this.#chores.look();
  }

  #take<T>(request: () => T): T {
    if (this.#isStopping) throw new Failure('stopped', 'the daemon is stopping');
    const answer = request();
    this.#wake();
    return answer;
  }

  #prepare(): void {
    this.#job = beginJob('the preparation', (work) => prepareStart(this.#deps, work), {
      ...this.#workOptions(),
      ended: (outcome) => this.#note(() => this.#endPreparation(outcome)),
    });
  }

  #endPreparation(outcome: Outcome<Found>): void {
    if (this.#isStopping) return;
    // Only an abort fails the whole, and that is a stop: all else is in what it found.
    if ('failure' in outcome) throw outcome.failure;
    this.#timetable.begin(outcome.value);
    this.#chores.note('start');
    this.#state = 'running';
  }

  #beginNext(): void {
    const order = this.#timetable.take();
    if (order === undefined) {
      this.#job = this.#chores.begin({ ...this.#workOptions(), ended: () => this.#note(() => {}) });
      return;
    }
    this.#job = beginBackup(order, this.#deps.takeBackup, {
      ...this.#workOptions(),
      ended: (outcome) => this.#note(() => this.#endBackup(order, outcome)),
    });
  }

  #endBackup(order: BackupOrder, outcome: Outcome<BackupReport>): void {
    // A partial backup is not tried again: a chore brings the stores what they missed.
    this.#chores.note('failure' in outcome ? 'failure' : outcome.value.result);
    if (!('failure' in outcome)) return;
    if (!this.#isStopping) this.#timetable.noteFailure(order, outcome.failure);
    else if (this.#abortedMs !== undefined) this.#cutShort = true;
  }

  #workOptions(): WorkOptions {
    // Derived for each job: whoever listens to it for long goes with the job.
    return { signal: AbortSignal.any([this.#abort.signal]), observe: this.#deps.observe };
  }

  #note(afterJob: () => void): void {
    this.#afterJob = () => {
      this.#job = undefined;
      afterJob();
    };
    this.#wake();
  }

  /** Keeps the limits of a stop: of a backup that may finish, and of one that was aborted. */
  #hurry(): void {
    const nowMs = performance.now();
    const { drainLimitMs } = this.#settings;
    if (drainLimitMs !== undefined && nowMs - this.#drainingMs >= drainLimitMs) this.#abortJob();
    if (this.#abortedMs === undefined || nowMs - this.#abortedMs < abortLimitMs) return;
    this.#job?.abandon(new Failure('stopped', 'the work went on after it was aborted'));
  }

  #abortJob(): void {
    if (this.#abortedMs !== undefined) return;
    this.#abortedMs = performance.now();
    this.#abort.abort(new Failure('stopped', 'the daemon is stopping'));
  }
}
