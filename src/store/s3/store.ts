/**
 * A store in a bucket of any service that speaks S3. Objects appear whole or not at all, because
 * the service does it so. Where an answer is lost on its way, a put that throws may still have
 * happened; it then holds the bytes that it was given.
 */
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { Failure } from '../../core/errors.ts';
import { type ObjectName, objectName } from '../../core/names.ts';
import type {
  Body,
  ByteRange,
  Examined,
  ObjectFacts,
  PutFacts,
  PutOptions,
  Store,
} from '../port.ts';
import { checkedPrefix } from '../requests.ts';
import { Connection, type Send } from './connection.ts';
import { createObject, type PutCondition } from './create.ts';
import { examineServer } from './examine.ts';
import { isAbsent, serverCode, toStoreFailure } from './failures.ts';
import { getObject } from './get.ts';
import { readPages, readUploads } from './listing.ts';
import { missingObject } from './missing.ts';
import { describeBucket, type S3StoreOptions } from './options.ts';
import { putObject } from './put.ts';
import { type CustomerFields, customerFields } from './put-fields.ts';

/** Connects to nothing until it is used. */
export function s3Store(options: S3StoreOptions): Required<Store> {
  return new S3Store(options);
}

/** Each request costs both sides milliseconds, each window under way its size in memory. */
const mostWindowBytes = 6 * 1024 * 1024;

interface Limits {
  readonly signal: AbortSignal;
}

class S3Store implements Store {
  readonly name: string;
  readonly #options: S3StoreOptions;
  readonly #connection: Connection;
  /** What stands before every object name. */
  readonly #root: string;
  readonly #unfinished = new Set<string>();
  readonly #conditions = { areRefused: false };

  constructor(options: S3StoreOptions) {
    this.name = options.name;
    this.#options = options;
    this.#root = options.prefix === '' ? '' : `${options.prefix}/`;
    this.#connection = new Connection(options, this);
  }

  get encryption(): S3StoreOptions['encryption'] {
    return this.#options.encryption;
  }

  describe(): string {
    return describeBucket(this.#options);
  }

  async put(name: ObjectName, body: Body, options: PutOptions): Promise<PutFacts> {
    const { signal, onlyNew = false } = options;
    signal.throwIfAborted();
    const target = {
      store: { ...this.#options, describe: () => this.describe() },
      connection: this.#connection,
      key: this.#root + objectName(name),
      unfinished: this.#unfinished,
      customer: this.#customer(),
    };
    const put = (condition: PutCondition) =>
      putObject({ ...target, condition }, name, body, signal);
    if (!onlyNew) return put({});
    return createObject(put, this.#conditions, { store: this, name, body, signal });
  }

  async *get(
    name: ObjectName,
    { signal, range }: Limits & { range?: ByteRange },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    signal.throwIfAborted();
    const { partBytes, concurrency } = this.#options;
    const source = {
      name,
      store: this,
      connection: this.#connection,
      object: this.#withKey(name),
      windowBytes: Math.min(partBytes, mostWindowBytes),
      concurrency,
      stat: () => this.stat(name, { signal }),
      missing: (cause: unknown) => this.#missing(name, cause, { signal }),
    };
    yield* getObject(source, range, signal);
  }

  async stat(name: ObjectName, { signal }: Limits): Promise<ObjectFacts> {
    const object = this.#withKey(name);
    const action = `look at ${object.Key}`;
    const command = new HeadObjectCommand(object);
    try {
      const found = await this.#connection.tryCall((c, limits) => c.send(command, limits), {
        signal,
        action,
      });
      const { ContentLength, LastModified } = found;
      if (ContentLength === undefined || LastModified === undefined) {
        throw new Error('the server tells no size or no time');
      }
      const lockedUntil =
        found.ObjectLockLegalHoldStatus === 'ON' ? 'legal hold' : found.ObjectLockRetainUntilDate;
      const facts = { name, sizeBytes: ContentLength, modifiedAt: LastModified };
      return lockedUntil === undefined ? facts : { ...facts, lockedUntil };
    } catch (thrown) {
      signal.throwIfAborted();
      if (isAbsent(thrown)) throw await this.#missing(name, thrown, { signal });
      throw toStoreFailure(thrown, this, action);
    }
  }

  async *list(prefix: string, { signal }: Limits): AsyncGenerator<ObjectFacts, void, undefined> {
    signal.throwIfAborted();
    checkedPrefix(prefix);
    const fetchPage = (token: string | undefined) => {
      const command = new ListObjectsV2Command({
        Bucket: this.#options.bucket,
        Prefix: this.#root + prefix,
        EncodingType: 'url',
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      return this.#call('list', (client, limits) => client.send(command, limits), signal);
    };
    for await (const facts of this.#told('list', readPages(this.#root, fetchPage))) {
      signal.throwIfAborted();
      yield facts;
    }
  }

  async remove(name: ObjectName, { signal }: Limits): Promise<void> {
    const object = this.#object(name);
    const command = new DeleteObjectCommand(object);
    await this.#call(
      `remove ${object.Key}`,
      (client, limits) => client.send(command, limits),
      signal,
    );
  }

  async examine(probe: ObjectName, { signal }: Limits): Promise<Examined> {
    const server = { options: this.#options, connection: this.#connection };
    const lines = await examineServer({ ...server, object: this.#object(probe), signal });
    return { lines, freeBytes: null };
  }

  async sweep(olderThan: Date, { signal }: Limits): Promise<number> {
    signal.throwIfAborted();
    const fetchPage = (markers: object | undefined) => {
      const command = new ListMultipartUploadsCommand({
        Bucket: this.#options.bucket,
        Prefix: this.#root,
        EncodingType: 'url',
        ...markers,
      });
      return this.#call('list uploads', (client, limits) => client.send(command, limits), signal);
    };
    let swept = 0;
    const uploads = this.#told('list uploads', readUploads(this.#root, fetchPage));
    for await (const { key, id, begunAt } of uploads) {
      if (begunAt >= olderThan || this.#unfinished.has(id)) continue;
      if (await this.#sweepOne(key, id, signal)) swept += 1;
    }
    return swept;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection[Symbol.dispose]();
  }

  /** False where somebody else was faster. */
  async #sweepOne(key: string, id: string, signal: AbortSignal): Promise<boolean> {
    const action = `abandon the upload of ${key}`;
    const upload = { Bucket: this.#options.bucket, Key: key, UploadId: id };
    const command = new AbortMultipartUploadCommand(upload);
    try {
      await this.#connection.tryCall((c, limits) => c.send(command, limits), { signal, action });
      return true;
    } catch (thrown) {
      signal.throwIfAborted();
      if (serverCode(thrown) === 'NoSuchUpload') return false;
      throw toStoreFailure(thrown, this, action);
    }
  }

  #object(name: ObjectName): { Bucket: string; Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#root + objectName(name) };
  }

  /** For requests that the server answers only to who has the customer's key. */
  #withKey(name: ObjectName): { Bucket: string; Key: string } & CustomerFields {
    return { ...this.#object(name), ...this.#customer() };
  }

  #customer(): CustomerFields {
    return this.#connection.read('the key of the customer', () => customerFields(this.#options));
  }

  #call<T>(action: string, send: Send<T>, signal: AbortSignal): Promise<T> {
    return this.#connection.call(send, { signal, action });
  }

  /** What the reading of pages finds wrong, told as a failure of the store. */
  async *#told<T>(action: string, items: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    const iterator = items[Symbol.asyncIterator]();
    for (;;) {
      const step = await iterator.next().catch((thrown: unknown) => {
        throw thrown instanceof Error && thrown.constructor === Error
          ? toStoreFailure(thrown, this, action)
          : thrown;
      });
      if (step.done === true) return;
      yield step.value;
    }
  }

  #missing(name: ObjectName, cause: unknown, { signal }: Limits): Promise<Failure> {
    const at = { store: this, connection: this.#connection, object: this.#object(name) };
    return missingObject({ ...at, name, signal }, cause);
  }
}
