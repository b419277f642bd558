/**
 * The way to a server: one client, the limits of its connections, and calls that are tried again
 * where that can help. Nothing here waits for ever.
 */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { Failure } from '../../core/errors.ts';
import { isPassing, isStall, type Place, toStoreFailure } from './failures.ts';
import type { S3Keys, S3StoreOptions } from './options.ts';
import { usualKeys } from './usual-keys.ts';

const connectLimitMs = 10_000;
const mostTries = 5;
/** A server that hangs is not asked as often as one that stumbles: each time costs a stall. */
const mostStalls = 2;
const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** Nobody sees what the kernel has taken and not sent yet: megabytes, which a slow link needs. */
const sendingStalls = 3;
/** What no link is slower than. Below it a connection that trickles counts as hung. */
const leastBytesPerSecond = 16 * 1024;

export interface CallOptions {
  readonly signal: AbortSignal;
  /** For people: `put 0123456789abcdef/x.db`. */
  readonly action: string;
  /** That the call sends; it makes the limit longer. */
  readonly bytes?: number;
  /** At most so often, where fewer are enough. */
  readonly tries?: number;
}

export type Send<T> = (client: S3Client, options: { abortSignal: AbortSignal }) => Promise<T>;

interface Clients {
  readonly ca: string | null;
  /** For calls without a body, and with one. */
  readonly asking: S3Client;
  readonly sending: S3Client;
}

export class Connection implements Disposable {
  readonly #options: S3StoreOptions;
  readonly #place: Place;
  #clients: Clients | undefined;

  constructor(options: S3StoreOptions, place: Place) {
    this.#options = options;
    this.#place = place;
  }

  /** The answer to `send`, or a failure in words. An abort ends it with the signal's reason. */
  async call<T>(send: Send<T>, options: CallOptions): Promise<T> {
    try {
      return await this.tryCall(send, options);
    } catch (thrown) {
      options.signal.throwIfAborted();
      throw toStoreFailure(thrown, this.#place, options.action);
    }
  }

  /** As `call`, but throws what the SDK threw, for callers that expect some of it. */
  async tryCall<T>(
    send: Send<T>,
    { signal, bytes = 0, tries: most = mostTries }: CallOptions,
  ): Promise<T> {
    const limitMs = this.#options.stallTimeoutMs * 5 + (bytes / leastBytesPerSecond) * 1000;
    let stalls = 0;
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted();
      const late = new AbortController();
      const limit = setTimeout(() => late.abort(), limitMs);
      try {
        const abortSignal = AbortSignal.any([signal, late.signal]);
        return await send(this.#client(bytes > 0), { abortSignal });
      } catch (thrown) {
        signal.throwIfAborted();
        const error = late.signal.aborted ? overdue(limitMs) : thrown;
        if (isStall(error)) stalls += 1;
        if (!isPassing(error) || tries === most || stalls === mostStalls) throw error;
      } finally {
        // An answer has come: its body may take as long as it brings bytes.
        clearTimeout(limit);
      }
      await pause(tries, signal);
    }
  }

  [Symbol.dispose](): void {
    this.#clients?.asking.destroy();
    this.#clients?.sending.destroy();
    this.#clients = undefined;
  }

  /** New ones when the file with the authorities has another content. */
  #client(isSending: boolean): S3Client {
    const { ca: path, stallTimeoutMs } = this.#options;
    const ca = path === null ? null : this.#readAuthorities(path);
    if (this.#clients === undefined || this.#clients.ca !== ca) {
      // The old ones are left to end the calls that they have; idle connections end by themselves.
      this.#clients = {
        ca,
        asking: new S3Client(this.#config(ca, stallTimeoutMs)),
        sending: new S3Client(this.#config(ca, stallTimeoutMs * sendingStalls)),
      };
    }
    return isSending ? this.#clients.sending : this.#clients.asking;
  }

  #config(ca: string | null, stallMs: number): S3ClientConfig {
    const config = clientConfig(this.#options, ca, stallMs);
    const { readKeys } = this.#options;
    if (readKeys === null) return { ...config, credentialDefaultProvider: usualKeys };
    return { ...config, credentials: async () => identity(this.read('the key', readKeys)) };
  }

  #readAuthorities(path: string): string {
    return this.read('the authorities', () => readFileSync(path, 'utf8'));
  }

  /** What a file holds, or a failure that names the store. */
  read<T>(what: string, read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      const where = `store ${this.#place.name} (${this.#place.describe()})`;
      const message = `${where}: cannot read ${what}: ${(thrown as Error).message}`;
      throw new Failure('store-denied', message, {
        cause: thrown,
        hint: 'Make the file that the message names readable for this user.',
      });
    }
  }
}

function clientConfig(
  { region, endpoint, pathStyle, concurrency }: S3StoreOptions,
  ca: string | null,
  stallMs: number,
): S3ClientConfig {
  const sockets = { keepAlive: true, maxSockets: concurrency + 8 };
  return {
    region,
    ...(endpoint === null ? {} : { endpoint }),
    forcePathStyle: pathStyle,
    // Tried again by us: the SDK would hold each try to limits that fit small requests only.
    maxAttempts: 1,
    // A wrong clock is told, not made up for: backups are named and kept by it.
    disableClockSkewCorrection: true,
    // Digests are ours. The SDK's own would change how every request looks, which servers that
    // are not Amazon's refuse or, worse, store.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectLimitMs,
      socketTimeout: stallMs,
      throwOnRequestTimeout: true,
      httpAgent: sockets,
      httpsAgent: new Agent(ca === null ? sockets : { ...sockets, ca }),
    },
  } as S3ClientConfig;
}

function identity({ accessKeyId, secretAccessKey, sessionToken }: S3Keys) {
  return {
    accessKeyId: accessKeyId.reveal(),
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken === null ? {} : { sessionToken: sessionToken.reveal() }),
    // Over at once: the SDK keeps keys until they expire, and these may be replaced at any time.
    expiration: new Date(),
  };
}

function overdue(limitMs: number): Error {
  const seconds = Math.round(limitMs / 1000);
  return Object.assign(new Error(`no whole answer in ${seconds} s`), { name: 'TimeoutError' });
}

/** Longer from try to try, and random, so that many parts do not come back in one moment. */
export async function pause(tries: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(longestPauseMs, firstPauseMs * 4 ** (tries - 1));
  const ms = longest * (0.5 + Math.random() / 2);
  // Ends early on an abort, which the caller then throws with the signal's own reason.
  await sleep(ms, undefined, { signal }).catch(() => {});
}
