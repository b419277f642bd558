/**
 * Events as server-sent events, while they happen. A listener never costs the daemon more than a
 * bounded share: of connections, of memory, of time at the end.
 */
import { Readable } from 'node:stream';

export interface EventEntry {
  /** Null for what cannot be asked for again. */
  readonly id: string | null;
  readonly json: string;
}

export interface EventSource {
  /** What was told after the entry; undefined when that is not known any more. */
  after(id: string): readonly EventEntry[] | undefined;
  kept(): readonly EventEntry[];
  /** The result ends it. */
  listen(listener: (entry: EventEntry) => void): () => void;
}

export interface StreamLimits {
  /** Streams at once. 20 unless given, of 100 connections. */
  readonly listeners?: number;
  /** What a reader may leave unread before it is dropped; more than the source keeps. 512 KiB. */
  readonly unreadBytes?: number;
  /** A comment as often as that, so that nobody between takes silence for an end. 15 s. */
  readonly heartbeatMs?: number;
  /** Then the stream ends, and who comes back is asked again who he is. 15 min. */
  readonly lifeMs?: number;
}

const comeBackMs = 2_000;

export class EventStreams {
  readonly #source: EventSource;
  readonly #limits: Required<StreamLimits>;
  /** What ends the listening of each. */
  readonly #open = new Map<Readable, () => void>();
  #isClosed = false;

  constructor(source: EventSource, limits: StreamLimits = {}) {
    this.#source = source;
    const usual = { listeners: 20, unreadBytes: 524_288, heartbeatMs: 15_000, lifeMs: 900_000 };
    this.#limits = { ...usual, ...limits };
  }

  /** A stream that begins after the entry, or with what comes; undefined: there are too many. */
  open(lastId: string | undefined): Readable | undefined {
    const { listeners, heartbeatMs, lifeMs } = this.#limits;
    if (this.#isClosed || this.#open.size >= listeners) return undefined;
    const stream = new Readable({ read: () => undefined });
    // It may be dropped before the server looks at it.
    stream.on('error', () => undefined);
    this.#send(stream, `retry: ${comeBackMs}\n\n`);
    if (lastId !== undefined) this.#catchUp(stream, lastId);
    const leave = this.#source.listen((entry) => this.#pass(stream, entry));
    const beat = setInterval(() => this.#send(stream, ': still here\n\n'), heartbeatMs);
    const life = setTimeout(() => this.#end(stream), lifeMs);
    this.#open.set(stream, () => {
      leave();
      clearInterval(beat);
      clearTimeout(life);
    });
    stream.once('close', () => {
      this.#open.get(stream)?.();
      this.#open.delete(stream);
    });
    return stream;
  }

  /** Ends all streams, and opens none any more. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#open.keys()) this.#end(stream);
  }

  #end(stream: Readable): void {
    this.#open.get(stream)?.();
    // Who does not read would not see the end either, and has to be cut.
    if (stream.readableLength > 0) stream.destroy();
    else stream.push(null);
  }

  #catchUp(stream: Readable, lastId: string): void {
    const missed = this.#source.after(lastId);
    if (missed === undefined) this.#send(stream, `data: ${missedJson}\n\n`);
    for (const entry of missed ?? this.#source.kept()) this.#send(stream, frame(entry));
  }

  #pass(stream: Readable, entry: EventEntry): void {
    // Who is slow is spared what the next one replaces anyway.
    if (entry.id === null && stream.readableLength > 0) return;
    this.#send(stream, frame(entry));
  }

  #send(stream: Readable, text: string): void {
    if (stream.destroyed) return;
    stream.push(text);
    if (stream.readableLength > this.#limits.unreadBytes) {
      stream.destroy(new Error('the reader is too slow'));
    }
  }
}

const missedJson = JSON.stringify({
  level: 'warn',
  event: 'events-missed',
  msg: 'what was told before this is not known any more; GET /v1/status has what has come of it',
});

function frame({ id, json }: EventEntry): string {
  return `${id === null ? '' : `id: ${id}\n`}data: ${json}\n\n`;
}
