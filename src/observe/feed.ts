/**
 * Events for whoever listens while they happen: the fields of the log as JSON, and the last of them
 * kept, so that who was away for a moment goes on where he was.
 */
import type { Event, EventKind, Observe } from '../core/events.ts';
import { eventFields } from './fields.ts';
import { levelOf } from './levels.ts';
import { sentenceOf } from './sentences.ts';

export interface FeedEntry {
  /** Null for what is not kept. Tells the start of the daemon apart: numbers begin anew with it. */
  readonly id: string | null;
  /** One line. */
  readonly json: string;
}

export interface Feed {
  readonly observe: Observe;
  /** What was told after the entry; undefined when nobody knows any more what that was. */
  after(id: string): readonly FeedEntry[] | undefined;
  /** What is kept, the oldest first. */
  kept(): readonly FeedEntry[];
  /** Calls for each entry from now on; the result ends that. */
  listen(listener: (entry: FeedEntry) => void): () => void;
}

export interface FeedOptions {
  readonly now: () => Date;
  /** Of JSON that is kept. 256 KiB unless given: some backups, or hours of peace. */
  readonly keepBytes?: number;
}

/** Each replaces the one before it: of those that somebody missed, nobody misses any. */
const passing: ReadonlySet<EventKind> = new Set([
  'step-advanced',
  'scrub-advanced',
  'copy-advanced',
  'restore-advanced',
]);

export function eventFeed({ now, keepBytes = 256 * 1024 }: FeedOptions): Feed {
  const start = now().getTime().toString(36);
  const listeners = new Set<(entry: FeedEntry) => void>();
  const ring: FeedEntry[] = [];
  let bytes = 0;
  let told = 0;
  const idOf = (number: number) => `${start}-${number}`;
  const keep = (entry: FeedEntry): void => {
    ring.push(entry);
    bytes += sizeOf(entry);
    while (bytes > keepBytes) bytes -= sizeOf(ring.shift());
  };
  const observe = (event: Event): void => {
    // Who asks what from where is for the audit: it takes more than reading to see it.
    if (event.kind === 'call-made') return;
    const isPassing = passing.has(event.kind);
    if (isPassing && listeners.size === 0) return;
    if (!isPassing) told += 1;
    const entry = { id: isPassing ? null : idOf(told), json: jsonOf(event, now()) };
    if (!isPassing) keep(entry);
    for (const listener of [...listeners]) listener(entry);
  };
  const after = (id: string): readonly FeedEntry[] | undefined => {
    if (id === idOf(told)) return [];
    const at = ring.findIndex((entry) => entry.id === id);
    // The oldest that is kept may come right after it.
    if (at < 0 && id === idOf(told - ring.length)) return [...ring];
    return at < 0 ? undefined : ring.slice(at + 1);
  };
  const listen = (listener: (entry: FeedEntry) => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return { observe, after, kept: () => [...ring], listen };
}

function sizeOf(entry: FeedEntry | undefined): number {
  return Buffer.byteLength(entry?.json ?? '');
}

/** As the log writes it, without stacks: they are for who may read the log. */
function jsonOf(event: Event, at: Date): string {
  const line = {
    level: levelOf(event),
    time: at.toISOString(),
    event: event.kind,
    ...eventFields(event, { stacks: false }),
    msg: sentenceOf(event, at),
  };
  return JSON.stringify(line, (key, value) => (key === 'stack' ? undefined : value));
}
