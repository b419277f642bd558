/** One call of the store, as a talk with the child that does it. */
import { revive } from '../../core/carried-failure.ts';
import type { Child } from './child.ts';
import { type Answer, type Final, isFinal, type Question } from './questions.ts';

/**
 * A call that is stopped has this long to say how it ended; then it is left alone. It does nothing
 * more that anybody could see, unless it was renaming that very moment, or hangs.
 */
const lastWordsMs = 1000;

export class Talk implements AsyncDisposable {
  readonly #child: Child;
  readonly #signal: AbortSignal;
  readonly #call: number;
  readonly #hold: Disposable;
  readonly #final = Promise.withResolvers<Final>();
  #pending: PromiseWithResolvers<Answer> | undefined;
  #stopping: Promise<Final | undefined> | undefined;
  #isOver = false;

  constructor(child: Child, signal: AbortSignal) {
    this.#child = child;
    this.#signal = signal;
    this.#hold = child.hold();
    this.#final.promise.catch(() => {});
    this.#call = child.open(
      (answer) => {
        this.#isOver ||= isFinal(answer);
        if (isFinal(answer)) this.#final.resolve(answer);
        this.#pending?.resolve(answer);
      },
      (failure) => {
        this.#isOver = true;
        this.#final.reject(failure);
        this.#pending?.reject(failure);
      },
    );
  }

  /**
   * Throws what the call fails with. When the signal aborts, its reason; a call that was done by
   * then is done.
   */
  async ask(question: Question): Promise<Answer> {
    this.#signal.throwIfAborted();
    const aborted = Promise.withResolvers<undefined>();
    const onAbort = () => aborted.resolve(undefined);
    this.#signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#pending = Promise.withResolvers();
      this.#child.ask(this.#call, question);
      const answer = await Promise.race([this.#pending.promise, aborted.promise]);
      if (answer === undefined) return await this.#stopped();
      if (answer.kind === 'failed') throw revive(answer.failure);
      return answer;
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends a call that is under way, and waits a moment for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) await this.#stop();
    this.#hold[Symbol.dispose]();
  }

  async #stopped(): Promise<Final> {
    const final = await this.#stop();
    if (final?.kind === 'done') return final;
    throw this.#signal.reason;
  }

  #stop(): Promise<Final | undefined> {
    this.#stopping ??= this.#askToStop();
    return this.#stopping;
  }

  async #askToStop(): Promise<Final | undefined> {
    this.#child.ask(this.#call, { kind: 'stop' });
    const limit = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => limit.resolve(undefined), lastWordsMs);
    const final = await Promise.race([this.#final.promise, limit.promise]).catch(() => undefined);
    clearTimeout(timer);
    return final;
  }
}
