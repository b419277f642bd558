/** Gets: the bytes of an object or of a range of it, never fewer than promised without an error. */
import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { Failure } from '../../core/errors.ts';
import type { ObjectName } from '../../core/names.ts';
import type { ByteRange, ObjectFacts } from '../port.ts';
import { checkedRange } from '../requests.ts';
import type { Connection } from './connection.ts';
import { isAbsent, type Place, serverCode, toStoreFailure } from './failures.ts';
import { bytesOf, readWindows } from './windows.ts';

export interface GetSource {
  readonly name: ObjectName;
  readonly store: Place;
  readonly connection: Connection;
  readonly object: { readonly Bucket: string; readonly Key: string };
  /** What is asked for at once, and how many of it at a time. */
  readonly windowBytes: number;
  readonly concurrency: number;
  readonly stat: () => Promise<ObjectFacts>;
  readonly missing: (cause: unknown) => Promise<Failure>;
}

/**
 * The first answer tells the size of the object and which one it is, and is all that a small object
 * takes; what is left of a large one comes in windows, several at once.
 */
export async function* getObject(
  source: GetSource,
  range: ByteRange | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { name, windowBytes, store } = source;
  const wanted = checkedRange(name, Number.MAX_SAFE_INTEGER, range);
  // HTTP has no words for a range without a byte, nor for what an empty object has.
  if (wanted.start === wanted.end) return demandEnd(source, wanted);
  const window = { ...wanted, end: Math.min(wanted.end, wanted.start + windowBytes) };
  const first = await ask(source, window, undefined, signal);
  if (first === 'past the end') return demandEnd(source, range);
  try {
    yield* readOn(source, range, first, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw toStoreFailure(thrown, store, actionOf(source));
  } finally {
    first.body.destroy();
  }
}

/** An answer whose head has come. */
interface Answer {
  readonly body: Readable;
  /** What this object and no other has; not every server tells it. */
  readonly etag: string | undefined;
  /** Of the object; undefined where the server gives all of it when asked for a range. */
  readonly totalBytes: number | undefined;
  readonly sizeBytes: number | undefined;
}

async function* readOn(
  source: GetSource,
  range: ByteRange | undefined,
  first: Answer,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { etag, totalBytes, sizeBytes, body } = first;
  if (totalBytes === undefined) {
    if (range !== undefined) throw new Error('the server answers no range for a range');
    if (sizeBytes === undefined) throw new Error('the server tells no length');
    return yield* counted(body, sizeBytes, signal);
  }
  const all = checkedRange(source.name, totalBytes, range);
  if (etag === undefined) {
    // Two answers could be of two objects, so one has to bring everything.
    const isAll = all.end - all.start <= source.windowBytes;
    const one = isAll ? first : await ask(source, all, undefined, signal);
    if (one === 'past the end') throw replaced(source);
    return yield* counted(one.body, all.end - all.start, signal);
  }
  const { windowBytes, concurrency } = source;
  const askSame = async (missing: ByteRange, limit: AbortSignal) => {
    const answer = await ask(source, missing, etag, limit);
    if (answer === 'past the end' || answer.etag !== etag) throw replaced(source);
    return answer.body;
  };
  yield* readWindows(all, { windowBytes, concurrency, signal, first: body, ask: askSame });
}

async function ask(
  source: GetSource,
  { start, end }: ByteRange,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<Answer | 'past the end'> {
  const action = actionOf(source);
  const command = new GetObjectCommand({
    ...source.object,
    Range: `bytes=${start}-${end - 1}`,
    ...(etag === undefined ? {} : { IfMatch: etag }),
  });
  try {
    const answer = await source.connection.tryCall(
      (client, limits) => client.send(command, limits),
      { signal, action },
    );
    return toAnswer(answer, start);
  } catch (thrown) {
    signal.throwIfAborted();
    if (isAbsent(thrown)) throw await source.missing(thrown);
    if (serverCode(thrown) === 'InvalidRange') return 'past the end';
    if (serverCode(thrown) === 'PreconditionFailed') throw replaced(source, thrown);
    throw toStoreFailure(thrown, source.store, action);
  }
}

function toAnswer(
  { Body, ETag, ContentRange, ContentLength }: GetObjectCommandOutput,
  start: number,
): Answer {
  const body = Body as unknown as Readable;
  const told = { body, etag: ETag, sizeBytes: ContentLength };
  if (ContentRange === undefined) return { ...told, totalBytes: undefined };
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange) ?? [];
  if (Number(first) === start) return { ...told, totalBytes: Number(total) };
  body.destroy();
  throw new Error(`the server answers ${ContentRange} for a range from ${start}`);
}

async function* counted(
  body: Readable,
  expected: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let arrived = 0;
  for await (const chunk of bytesOf(body, signal)) {
    arrived += chunk.byteLength;
    if (arrived > expected) break;
    yield chunk;
    signal.throwIfAborted();
  }
  if (arrived === expected) return;
  throw new Error(`the answer has ${arrived} bytes and not ${expected}`);
}

/** Throws unless the object has no byte in the range, and reaches to its end. */
async function demandEnd(source: GetSource, range: ByteRange | undefined): Promise<void> {
  const { sizeBytes } = await source.stat();
  const { start, end } = checkedRange(source.name, sizeBytes, range);
  if (start === end) return;
  const wrong = new Error(`the server has no byte of an object of ${sizeBytes} bytes`);
  throw toStoreFailure(wrong, source.store, actionOf(source));
}

function replaced(source: GetSource, cause?: unknown): Failure {
  const { name, store } = source;
  const where = `store ${store.name} (${store.describe()})`;
  const message = `${where}: ${name} was replaced while it was read`;
  return new Failure('object-damaged', message, { cause, context: { object: name } });
}

function actionOf({ object }: GetSource): string {
  return `read ${object.Key}`;
}
