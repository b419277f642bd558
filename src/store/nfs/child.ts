/** A process that works on a mount for us, and the calls that it has under way. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Failure } from '../../core/errors.ts';
import type { FileStoreOptions } from '../file.ts';
import { childProgram } from './child-program.ts';
import { leaveLitter } from './litter.ts';
import { type Answer, type Answered, type Asked, isFinal, type Question } from './questions.ts';

/** How a child can fail its calls; said by who knows the store. */
export interface ChildTroubles {
  /** Nothing came in answer to a question for `stallMs`. */
  readonly stalled: () => Failure;
  readonly lost: (how: string) => Failure;
}

interface Talk {
  readonly heard: (answer: Answer) => void;
  readonly lost: (failure: Failure) => void;
  timer: NodeJS.Timeout | undefined;
}

/** A busy machine may take seconds to start a process, which says nothing about the server. */
const startLimitMs = 60_000;

export class Child {
  readonly #process: ChildProcess;
  readonly #stallMs: number;
  readonly #troubles: ChildTroubles;
  readonly #talks = new Map<number, Talk>();
  readonly #ended = Promise.withResolvers<void>();
  #holders = 0;
  #gone = false;
  #isUp = false;
  #last = 0;

  constructor(place: FileStoreOptions, stallMs: number, troubles: ChildTroubles) {
    this.#stallMs = stallMs;
    this.#troubles = troubles;
    this.#process = fork(childProgram(), {
      // Not where we stand: a folder that a process stands in cannot be unmounted.
      cwd: '/',
      execArgv: ['--max-semi-space-size=1', '--max-old-space-size=64', '--disable-warning=all'],
      serialization: 'advanced',
      // Nothing of ours: who reads our output to its end must not wait for a child that hangs.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#process.on('message', (message: Answered) => this.#hear(message));
    this.#process.on('error', (error) => this.#lose(troubles.lost(error.message)));
    this.#process.once('disconnect', () => this.#lose(troubles.lost('it ended')));
    this.#process.once('exit', () => this.#ended.resolve());
    this.#process.send(place, () => {});
    this.#unref();
  }

  /** Whether it can be asked. */
  get isThere(): boolean {
    return !this.#gone;
  }

  get isIdle(): boolean {
    return this.#talks.size === 0 && this.#holders === 0;
  }

  /** When the system has let go of it, which it may never do. Keeps nobody waiting at the exit. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** While somebody waits for an answer, our own process does not end by itself. */
  hold(): Disposable {
    this.#holders += 1;
    this.#process.ref();
    this.#process.channel?.ref();
    return {
      [Symbol.dispose]: () => {
        this.#holders -= 1;
        if (this.#holders === 0) this.#unref();
      },
    };
  }

  /** Begins a call; what is heard comes until the final answer or the loss. */
  open(heard: Talk['heard'], lost: Talk['lost']): number {
    this.#last += 1;
    this.#talks.set(this.#last, { heard, lost, timer: undefined });
    return this.#last;
  }

  ask(call: number, question: Question): void {
    const talk = this.#talks.get(call);
    if (talk === undefined) return;
    this.#watch(talk);
    this.#process.send({ call, question } satisfies Asked, () => {});
    if (question.kind === 'bytes') leaveLitter(question.bytes.byteLength);
  }

  /** It ends by itself; nobody waits for that. */
  leave(): void {
    this.#gone = true;
    if (this.#process.connected) this.#process.disconnect();
  }

  #watch(talk: Talk): void {
    clearTimeout(talk.timer);
    const limitMs = this.#isUp ? this.#stallMs : Math.max(this.#stallMs, startLimitMs);
    talk.timer = setTimeout(() => this.#stall(), limitMs);
    talk.timer.unref();
  }

  #hear({ call, answer }: Answered): void {
    if (!this.#isUp) {
      this.#isUp = true;
      for (const waiting of this.#talks.values()) this.#watch(waiting);
    }
    const talk = this.#talks.get(call);
    if (talk === undefined) return;
    clearTimeout(talk.timer);
    if (isFinal(answer)) this.#talks.delete(call);
    if (answer.kind === 'bytes') leaveLitter(answer.bytes.byteLength);
    talk.heard(answer);
  }

  /** One call of the system that hangs holds back the others soon: all are given up together. */
  #stall(): void {
    this.#process.kill('SIGKILL');
    this.#lose(this.#troubles.stalled());
  }

  #lose(failure: Failure): void {
    const talks = [...this.#talks.values()];
    this.#talks.clear();
    this.leave();
    this.#unref();
    for (const { lost, timer } of talks) {
      clearTimeout(timer);
      lost(failure);
    }
  }

  #unref(): void {
    this.#process.unref();
    this.#process.channel?.unref();
  }
}
