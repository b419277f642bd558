/** The keys of a live cluster through our own door: etcd3 cannot be told what is too much. */
import { Failure, type FailureCode, toFailure } from '../core/errors.ts';
import { type ClusterSettings, tlsFor, userOf, withLimit } from './connect.ts';
import { askPage, askTransaction, type PageAnswered } from './door/keys.ts';
import { askToken } from './door/maintenance.ts';
import type { Caller } from './door/unary.ts';
import type { Applied, KeyChange, KeyPage, KeyRange, LiveKeys } from './keys-port.ts';
import { nobodyAnswers } from './survey.ts';

interface Limits {
  readonly signal: AbortSignal;
}

/** A page should be worth its call, and no burden for the member or for us. */
const pageBytes = { fewest: 512 * 1024, most: 4 * 1024 * 1024 };
const firstPageKeys = 64;
const mostPageKeys = 4096;

/** Connects to nothing yet. */
export function connectKeys(settings: ClusterSettings): LiveKeys {
  return new KeysDoor(settings);
}

class KeysDoor implements LiveKeys {
  readonly #settings: ClusterSettings;
  /** By endpoint. A token is dear to get, so it is kept until it is refused. */
  readonly #tokens = new Map<string, string>();
  /** The endpoint that answered last is asked first. */
  #endpoints: readonly string[];

  constructor(settings: ClusterSettings) {
    this.#settings = settings;
    this.#endpoints = settings.endpoints;
  }

  async *read({ from, end }: KeyRange, { signal }: Limits): AsyncGenerator<KeyPage> {
    let [next, limit, revision] = [from, firstPageKeys, 0n];
    for (;;) {
      const asked = { from: next, end, revision, limit };
      const most = limit === 1 ? Number.POSITIVE_INFINITY : pageBytes.most;
      const page = await this.#askAny(signal, (caller) => askPage(caller, asked, most));
      if (page === undefined) {
        limit = Math.ceil(limit / 8);
        continue;
      }
      // An answer tells the newest revision whatever was asked for.
      if (revision === 0n) revision = page.revision;
      yield { ...page, revision: revision as KeyPage['revision'] };
      const last = page.keys.at(-1);
      if (!page.more || last === undefined) return;
      next = Buffer.concat([last.key, Buffer.of(0)]);
      if (sizeOf(page) < pageBytes.fewest) limit = Math.min(limit * 2, mostPageKeys);
    }
  }

  async apply(changes: readonly KeyChange[], { signal }: Limits): Promise<Applied> {
    const [endpoint = ''] = this.#endpoints;
    try {
      return await this.#ask(endpoint, signal, (caller) => askTransaction(caller, changes));
    } catch (error) {
      signal.throwIfAborted();
      const failure = toFailure(error);
      const reason = failure.cause instanceof Error ? failure.cause.message : '';
      if (/too many operations|too large|larger than max/i.test(reason)) {
        return { outcome: 'too-large' };
      }
      if (/space exceeded/i.test(reason)) throw noSpace(endpoint, failure);
      throw permissionTold(failure, endpoint);
    }
  }

  /** What only reads may be asked of another member, when the first does not answer. */
  async #askAny<T>(signal: AbortSignal, work: (caller: Caller) => Promise<T>): Promise<T> {
    const failures: Failure[] = [];
    for (const endpoint of this.#endpoints) {
      try {
        const answer = await this.#ask(endpoint, signal, work);
        this.#endpoints = [endpoint, ...this.#endpoints.filter((other) => other !== endpoint)];
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        const failure = permissionTold(toFailure(error), endpoint);
        if (finalCodes.has(failure.code)) throw failure;
        failures.push(failure);
      }
    }
    throw nobodyAnswers(failures);
  }

  #ask<T>(endpoint: string, signal: AbortSignal, work: (caller: Caller) => Promise<T>): Promise<T> {
    return withLimit(this.#settings, signal, async (limited) => {
      const tls = tlsFor(endpoint, this.#settings);
      const caller = { endpoint, tls, signal: limited };
      const known = this.#tokens.get(endpoint);
      try {
        return await work({ ...caller, token: known ?? (await this.#logIn(caller)) });
      } catch (error) {
        // It lives for minutes, and dies with the member that gave it. What it was refused for was
        // not done.
        if (known === undefined || toFailure(error).code !== 'cluster-auth') throw error;
        return await work({ ...caller, token: await this.#logIn(caller) });
      }
    });
  }

  async #logIn(caller: Omit<Caller, 'token'>): Promise<string | undefined> {
    const user = userOf(this.#settings);
    if (user === undefined) return undefined;
    const token = await askToken(caller, user);
    this.#tokens.set(caller.endpoint, token);
    return token;
  }
}

/** Every member would say the same. */
const finalCodes: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'cluster-permission',
  'revision-unavailable',
]);

function sizeOf({ keys }: PageAnswered): number {
  return keys.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}

/** Snapshots need the role root; keys can do with less. */
function permissionTold(failure: Failure, endpoint: string): Failure {
  if (failure.code !== 'cluster-permission') return failure;
  const message = `${endpoint}: the user may not read and write these keys`;
  const hint =
    'Grant a role of the user readwrite on the prefix ("etcdctl role grant-permission").';
  return new Failure('cluster-permission', message, { cause: failure, hint });
}

function noSpace(endpoint: string, cause: Failure): Failure {
  return new Failure('restore-refused', `${endpoint}: the space of etcd is used up`, {
    cause,
    hint: 'Compact and defragment etcd, then "etcdctl alarm disarm", and run the command again.',
  });
}
