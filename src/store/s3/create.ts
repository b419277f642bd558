/** Puts that replace nothing: the server decides who is first, where it can. */
import { createHash } from 'node:crypto';
import { Failure } from '../../core/errors.ts';
import type { ObjectName } from '../../core/names.ts';
import type { Body, PutFacts, Store } from '../port.ts';
import { objectExists } from '../requests.ts';
import { serverCode, statusOf } from './failures.ts';

/** What a put asks for so that it replaces nothing. */
export interface PutCondition {
  readonly IfNoneMatch?: '*';
}

/** What a store has learnt about its server. */
export interface Conditions {
  areRefused: boolean;
}

/**
 * Throws `object-exists` where the name is taken. The server says so too when it had carried out
 * a put whose answer was lost: an object of these very bytes counts as ours. A server may refuse
 * conditions, or pass over them where a bucket keeps versions; so it is looked at first, which
 * alone would leave a moment between looking and putting.
 */
export async function createObject(
  put: (condition: PutCondition) => Promise<PutFacts>,
  known: Conditions,
  { store, name, body, signal }: Creation,
): Promise<PutFacts> {
  if (await isThere(store, name, signal)) throw objectExists(store, name);
  if (!known.areRefused) {
    try {
      return await put({ IfNoneMatch: '*' });
    } catch (thrown) {
      const cause = thrown instanceof Failure ? thrown.cause : undefined;
      if (serverCode(cause) === 'PreconditionFailed') {
        if (await isSame(store, name, body, signal)) return { compared: 'nothing' };
        throw objectExists(store, name, thrown);
      }
      if (statusOf(cause) !== 501) throw thrown;
      known.areRefused = true;
    }
  }
  return put({});
}

interface Creation {
  readonly store: Store;
  readonly name: ObjectName;
  readonly body: Body;
  readonly signal: AbortSignal;
}

async function isThere(store: Store, name: ObjectName, signal: AbortSignal): Promise<boolean> {
  try {
    await store.stat(name, { signal });
    return true;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'object-missing') return false;
    throw thrown;
  }
}

async function isSame(
  store: Store,
  name: ObjectName,
  body: Body,
  signal: AbortSignal,
): Promise<boolean> {
  const [kept, given] = await Promise.all([
    digestOf(store.get(name, { signal })),
    digestOf(body.open()),
  ]);
  return kept === given;
}

async function digestOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}
