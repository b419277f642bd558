/**
 * A range of an object on its way: several windows of it are asked for at once and given in order.
 * As many buffers as windows are under way, each used again: that bounds the memory of a get,
 * whatever the size of the object.
 */
import type { Readable } from 'node:stream';
import { Failure } from '../../core/errors.ts';
import type { ByteRange } from '../port.ts';
import { pause } from './connection.ts';

export interface WindowOptions {
  readonly windowBytes: number;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** The bytes of a range of the same object, not fewer or others; or a `Failure`. */
  readonly ask: (range: ByteRange, signal: AbortSignal) => Promise<Readable>;
  /** What has been asked for already: the first window. */
  readonly first: Readable;
}

/** Large enough to cost nothing, small enough for whoever works on each. */
const chunkBytes = 1024 * 1024;
/** So often in a row a window may break off and bring next to nothing. */
const mostIdleTries = 2;
/** What counts as something: by less for each connection no large object ever ends. */
const leastBytes = 64 * 1024;

/** Whatever ends it, nothing is under way any more when it has ended. */
export async function* readWindows(
  { start, end }: ByteRange,
  options: WindowOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const { windowBytes, concurrency, ask } = options;
  const running: Window[] = [];
  const free: Buffer[] = [];
  let [next, first]: [number, Readable | undefined] = [start, options.first];
  try {
    while (next < end || running.length > 0) {
      while (next < end && running.length < concurrency) {
        const range = { start: next, end: Math.min(end, next + windowBytes) };
        const buffer = free.pop() ?? Buffer.allocUnsafeSlow(Math.min(windowBytes, end - start));
        running.push(new Window(range, buffer, { ask, first, signal }));
        [next, first] = [range.end, undefined];
      }
      const [head] = running as [Window];
      yield* head.chunks(options.signal);
      free.push(head.buffer);
      running.shift();
    }
  } finally {
    stop.abort();
    await Promise.all(running.map(({ ended }) => ended));
  }
}

interface Way extends Pick<WindowOptions, 'ask' | 'signal'> {
  readonly first: Readable | undefined;
}

class Window {
  readonly buffer: Buffer;
  readonly ended: Promise<void>;
  readonly #range: ByteRange;
  readonly #sizeBytes: number;
  #filled = 0;
  #failure: unknown;
  #moved: () => void = () => {};

  constructor(range: ByteRange, buffer: Buffer, way: Way) {
    this.#range = range;
    this.#sizeBytes = range.end - range.start;
    this.buffer = buffer;
    this.ended = this.#fill(way).catch((thrown: unknown) => {
      this.#failure = thrown;
      this.#moved();
    });
  }

  /** As they come. What fails is told behind the bytes that came. */
  async *chunks(signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < this.#sizeBytes; ) {
      while (this.#filled === at) {
        signal.throwIfAborted();
        if (this.#failure !== undefined) throw this.#failure;
        await new Promise<void>((resolve) => {
          this.#moved = resolve;
        });
      }
      const upTo = Math.min(this.#filled, at + chunkBytes);
      yield this.buffer.subarray(at, upTo);
      signal.throwIfAborted();
      at = upTo;
    }
  }

  /** Goes on where it breaks off, as long as it gets on. */
  async #fill({ ask, first, signal }: Way): Promise<void> {
    let body = first;
    for (let idle = 0; this.#filled < this.#sizeBytes; ) {
      const before = this.#filled;
      try {
        const { start, end } = this.#range;
        body ??= await ask({ start: start + before, end }, signal);
        await this.#take(body, signal);
      } catch (thrown) {
        signal.throwIfAborted();
        if (this.#filled - before >= leastBytes) idle = 0;
        else idle += 1;
        // What was asked for and refused was tried often enough already.
        if (thrown instanceof Failure || idle === mostIdleTries) throw thrown;
        await pause(1 + idle, signal);
      }
      body = undefined;
    }
  }

  async #take(body: Readable, signal: AbortSignal): Promise<void> {
    for await (const chunk of bytesOf(body, signal)) {
      const missing = this.#sizeBytes - this.#filled;
      if (chunk.byteLength > missing) throw new Error('the answer has more bytes than asked for');
      this.buffer.set(chunk, this.#filled);
      this.#filled += chunk.byteLength;
      this.#moved();
    }
    const missing = this.#sizeBytes - this.#filled;
    if (missing > 0) throw new Error(`the answer ends ${missing} bytes too early`);
  }
}

/** The bytes of an answer, whose connection ends with them. */
export async function* bytesOf(
  body: Readable,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const onAbort = () => body.destroy(new Error('stopped'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    yield* body;
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Where bytes are left: reading them all would cost more than another connection.
    body.destroy();
  }
}
