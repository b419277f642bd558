/**
 * A body on its way in parts. It holds as many buffers as may be under way at once, and uses each
 * again: that bounds the memory of a put, whatever the size of its body.
 */
import { checkedBody } from '../body.ts';
import type { Body } from '../port.ts';
import type { PartPlan } from './part-plan.ts';

export interface Part {
  /** From 1. */
  readonly number: number;
  /** Must not be kept once `send` has ended. */
  readonly bytes: Uint8Array;
}

export interface PartOptions {
  readonly plan: PartPlan;
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

/**
 * Gives every part of a body to `send`, up to `concurrency` of them at once. The first failure of
 * the body or of a part ends the others, is waited for, and is what comes out.
 */
export async function sendParts(
  name: string,
  body: Body,
  send: (part: Part, signal: AbortSignal) => Promise<void>,
  options: PartOptions,
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const lane = new Lane(options, (part) => send(part, signal), stop);
  try {
    for await (const chunk of checkedBody(body, name, signal)) await lane.take(chunk, signal);
    await lane.finish();
    signal.throwIfAborted();
  } catch (thrown) {
    stop.abort(thrown);
    await lane.settle();
    // A part that failed first has ended the body with its own failure as the reason.
    throw thrown;
  }
}

class Lane {
  readonly #options: PartOptions;
  readonly #send: (part: Part) => Promise<void>;
  readonly #stop: AbortController;
  readonly #free: Buffer[] = [];
  readonly #running = new Set<Promise<void>>();
  #made = 0;
  #sent = 0;
  #filling: Buffer | undefined;
  #filled = 0;

  constructor(options: PartOptions, send: (part: Part) => Promise<void>, stop: AbortController) {
    this.#options = options;
    this.#send = send;
    this.#stop = stop;
  }

  async take(chunk: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < chunk.byteLength; ) {
      this.#filling ??= await this.#buffer(signal);
      const piece = chunk.subarray(at, at + this.#filling.byteLength - this.#filled);
      this.#filling.set(piece, this.#filled);
      this.#filled += piece.byteLength;
      at += piece.byteLength;
      if (this.#filled === this.#filling.byteLength) this.#dispatch(this.#filling);
    }
  }

  async finish(): Promise<void> {
    if (this.#filling !== undefined && this.#filled > 0) this.#dispatch(this.#filling);
    await this.settle();
  }

  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #buffer(signal: AbortSignal): Promise<Buffer> {
    for (;;) {
      signal.throwIfAborted();
      const free = this.#free.pop();
      if (free !== undefined) return free;
      if (this.#made < this.#options.concurrency) {
        this.#made += 1;
        return Buffer.allocUnsafeSlow(this.#options.plan.partBytes);
      }
      await Promise.race(this.#running);
    }
  }

  #dispatch(buffer: Buffer): void {
    const bytes = buffer.subarray(0, this.#filled);
    this.#filling = undefined;
    this.#filled = 0;
    this.#sent += 1;
    const part = { number: this.#sent, bytes };
    const running = this.#send(part).then(
      () => void this.#free.push(buffer),
      (thrown) => this.#stop.abort(thrown),
    );
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }
}
