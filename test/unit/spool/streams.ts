/** Snapshot streams: told bytes as a database, its digest behind it, in any messages. */
import { createHash } from 'node:crypto';
import type { SnapshotMessage } from '../../../src/cluster/port.ts';
import { drain } from '../../../src/spool/drain.ts';
import type { SpoolFile } from '../../../src/spool/file.ts';
import { bytesFrom } from './told-bytes.ts';

/** A file as a member streams it. What it holds matters only to its proof. */
export function snapshotFile(databaseBytes: number): Buffer {
  const database = bytesFrom(0, databaseBytes);
  return Buffer.concat([database, createHash('sha256').update(database).digest()]);
}

/** A message that brings these pieces, with so much of the database to come. */
export function message(
  remainingBytes: number,
  blob: readonly Uint8Array[],
  version?: string,
): SnapshotMessage {
  const blobBytes = blob.reduce((sum, piece) => sum + piece.byteLength, 0);
  return { remainingBytes, blob, blobBytes, version };
}

/** The messages of a file, each with at most `blobBytes` in pieces of at most `pieceBytes`. */
export function messagesOf(
  file: Uint8Array,
  { blobBytes = 32 * 1024, pieceBytes = 16 * 1024 }: { blobBytes?: number; pieceBytes?: number },
): SnapshotMessage[] {
  const databaseBytes = file.length - 32;
  const messages = cut(file.subarray(0, databaseBytes), blobBytes).map((blob, at) =>
    message(databaseBytes - at * blobBytes - blob.length, cut(blob, pieceBytes)),
  );
  return [...messages, message(0, [file.subarray(databaseBytes)])];
}

/** A stream of these messages that remembers how it was left. */
export class Script {
  readonly #messages: readonly SnapshotMessage[];
  /** Comes after the last message, and may never end. */
  readonly #after: (signal: AbortSignal) => Promise<void>;
  /** The signal that the stream was opened with. */
  signal: AbortSignal | undefined;
  taken = 0;
  isLeft = false;

  constructor(
    messages: readonly SnapshotMessage[],
    after: (signal: AbortSignal) => Promise<void> = async () => undefined,
  ) {
    this.#messages = messages;
    this.#after = after;
  }

  readonly open = async function* (this: Script, signal: AbortSignal) {
    this.signal = signal;
    try {
      for (const next of this.#messages) {
        this.taken++;
        yield next;
      }
      await this.#after(signal);
    } finally {
      this.isLeft = true;
    }
  }.bind(this);
}

/** Waits as a stream does that brings nothing more: until its signal ends it. */
export function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Longer than any test takes. */
const patientMs = 60_000;

interface Drain {
  readonly stallTimeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** Drains it, patiently unless told otherwise. */
export function drainFrom(script: Script, file: SpoolFile, changes: Drain = {}) {
  const { signal = new AbortController().signal, stallTimeoutMs = patientMs } = changes;
  const { onProgress = () => undefined } = changes;
  return drain({ open: script.open, file, signal, stallTimeoutMs, onProgress });
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}
