/** Gets: the bytes of an object or of a range of it, never fewer than promised without an error. */
import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Failure } from '../../core/errors.ts';
import type { ObjectName } from '../../core/names.ts';
import type { ByteRange, ObjectFacts } from '../port.ts';
import { checkedRange } from '../requests.ts';
import type { Connection } from './connection.ts';
import { isAbsent, type Place, serverCode, toStoreFailure } from './failures.ts';

export interface GetSource {
  readonly store: Place;
  readonly connection: Connection;
  readonly object: { readonly Bucket: string; readonly Key: string };
  readonly stat: () => Promise<ObjectFacts>;
  readonly missing: (cause: unknown) => Promise<Failure>;
}

export async function* getObject(
  source: GetSource,
  name: ObjectName,
  range: ByteRange | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (range !== undefined) checkedRange(name, Number.MAX_SAFE_INTEGER, range);
  // HTTP has no words for a range without a byte.
  if (range !== undefined && range.start === range.end) {
    checkedRange(name, (await source.stat()).sizeBytes, range);
    return;
  }
  const action = `read ${source.object.Key}`;
  const answer = await ask(source, name, range, signal);
  const body = answer.Body as unknown as Readable;
  try {
    const expected = expectedBytes(answer, name, range, { store: source.store, action });
    let arrived = 0;
    for await (const chunk of bytesOf(body, signal)) {
      arrived += chunk.byteLength;
      if (arrived > expected) break;
      yield chunk;
      signal.throwIfAborted();
    }
    if (arrived !== expected) {
      throw new Error(`the answer has ${arrived} bytes and not ${expected}`);
    }
  } catch (thrown) {
    signal.throwIfAborted();
    throw toStoreFailure(thrown, source.store, action);
  } finally {
    // Ends the connection too where bytes are left: reading them all would cost more.
    body.destroy();
  }
}

async function ask(
  source: GetSource,
  name: ObjectName,
  range: ByteRange | undefined,
  signal: AbortSignal,
): Promise<GetObjectCommandOutput> {
  const action = `read ${source.object.Key}`;
  const command = new GetObjectCommand({
    ...source.object,
    ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
  });
  try {
    return await source.connection.tryCall((client, limits) => client.send(command, limits), {
      signal,
      action,
    });
  } catch (thrown) {
    signal.throwIfAborted();
    if (isAbsent(thrown)) throw await source.missing(thrown);
    if (serverCode(thrown) === 'InvalidRange') {
      checkedRange(name, (await source.stat()).sizeBytes, range);
    }
    throw toStoreFailure(thrown, source.store, action);
  }
}

/** How many bytes must come. A range that the object does not have is told before any of them. */
function expectedBytes(
  { ContentRange, ContentLength }: GetObjectCommandOutput,
  name: ObjectName,
  range: ByteRange | undefined,
  { store, action }: { readonly store: Place; readonly action: string },
): number {
  if (range === undefined) {
    if (ContentLength !== undefined) return ContentLength;
    throw toStoreFailure(new Error('the server tells no length'), store, action);
  }
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? '') ?? [];
  if (total === undefined || Number(first) !== range.start) {
    const wrong = new Error(`the server answers ${ContentRange ?? 'no range'} for a range`);
    throw toStoreFailure(wrong, store, action);
  }
  const { start, end } = checkedRange(name, Number(total), range);
  return end - start;
}

async function* bytesOf(
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
  }
}
