/** Puts: small bodies in one request, larger ones in parts that become an object at once. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Failure } from '../../core/errors.ts';
import { checkedBody } from '../body.ts';
import type { Body, PutFacts } from '../port.ts';
import type { Connection } from './connection.ts';
import type { PutCondition } from './create.ts';
import { compositeOf, type Digest, digestOf, isComposite } from './digests.ts';
import { serverCode, toStoreFailure } from './failures.ts';
import type { S3StoreOptions } from './options.ts';
import { type PartPlan, planParts } from './part-plan.ts';
import { type Part, sendParts } from './parts.ts';
import { type CustomerFields, putFields } from './put-fields.ts';

export interface PutTarget {
  readonly store: S3StoreOptions & { readonly describe: () => string };
  readonly connection: Connection;
  /** The object's name behind the prefix. */
  readonly key: string;
  /** Uploads of this process that are under way, for the sweep to leave alone. */
  readonly unfinished: Set<string>;
  readonly condition: PutCondition;
  /** One for all requests of a put: it may be replaced meanwhile. */
  readonly customer: CustomerFields;
}

/** An upload that nobody finishes is worth a few seconds: what stays is swept later. */
const abandonLimitMs = 30_000;

export async function putObject(
  target: PutTarget,
  name: string,
  body: Body,
  signal: AbortSignal,
): Promise<PutFacts> {
  const { sizeBytes, aboutBytes = 0 } = body;
  const { partBytes } = target.store;
  if (typeof sizeBytes === 'number') {
    const plan = planParts(sizeBytes, partBytes);
    if (plan.parts === 1) return putWhole(target, name, body, sizeBytes, signal);
    return new Upload(target, name, body, plan).run(signal);
  }
  // Parts of a size for twice as many bytes: there is no going back once the first one is sent.
  return new Upload(target, name, body, planParts(2 * aboutBytes, partBytes)).run(signal);
}

async function putWhole(
  { store, connection, key, condition, customer }: PutTarget,
  name: string,
  body: Body,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<PutFacts> {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  let filled = 0;
  for await (const chunk of checkedBody(body, name, signal)) {
    bytes.set(chunk, filled);
    filled += chunk.byteLength;
  }
  const digest = digestOf(bytes);
  const command = new PutObjectCommand({
    Bucket: store.bucket,
    Key: key,
    Body: bytes,
    ContentLength: bytes.byteLength,
    ...putFields(store, new Date()),
    ...checksumOf(digest, store),
    ...condition,
    ...customer,
  });
  const signed = withPayloadHash(command, digest);
  const answer = await connection.call((client, limits) => client.send(signed, limits), {
    signal,
    action: `put ${key}`,
    bytes: bytes.byteLength,
  });
  return { compared: answer.ChecksumSHA256 === digest.base64 ? 'checksum' : 'nothing' };
}

class Upload {
  readonly #target: PutTarget;
  readonly #name: string;
  readonly #body: Body;
  readonly #plan: PartPlan;
  readonly #object: { readonly Bucket: string; readonly Key: string };
  readonly #parts: { readonly number: number; readonly etag: string; readonly digest: Digest }[] =
    [];

  constructor(target: PutTarget, name: string, body: Body, plan: PartPlan) {
    this.#target = target;
    this.#name = name;
    this.#body = body;
    this.#plan = plan;
    this.#object = { Bucket: target.store.bucket, Key: target.key, ...target.customer };
  }

  async run(signal: AbortSignal): Promise<PutFacts> {
    const id = await this.#begin(signal);
    this.#target.unfinished.add(id);
    try {
      const { concurrency } = this.#target.store;
      const plan = this.#plan;
      const send = (part: Part, limit: AbortSignal) => this.#sendPart(id, part, limit);
      await sendParts(this.#name, this.#body, send, { plan, concurrency, signal });
      return await this.#complete(id, signal);
    } catch (thrown) {
      await this.#abandon(id);
      throw thrown;
    } finally {
      this.#target.unfinished.delete(id);
    }
  }

  async #begin(signal: AbortSignal): Promise<string> {
    const { store, connection, key } = this.#target;
    const command = new CreateMultipartUploadCommand({
      ...this.#object,
      ...putFields(store, new Date()),
      ...(store.checksums === 'auto' ? { ChecksumAlgorithm: 'SHA256' } : {}),
    });
    const action = `begin an upload of ${key}`;
    const answer = await connection.call((client, limits) => client.send(command, limits), {
      signal,
      action,
    });
    if (answer.UploadId !== undefined) return answer.UploadId;
    throw toStoreFailure(new Error('the answer names no upload'), store, action);
  }

  async #sendPart(id: string, part: Part, signal: AbortSignal): Promise<void> {
    const { store, connection, key } = this.#target;
    const command = new UploadPartCommand({
      ...this.#object,
      UploadId: id,
      PartNumber: part.number,
      Body: part.bytes,
      ContentLength: part.bytes.byteLength,
      ...checksumOf(part.digest, store),
    });
    const signed = withPayloadHash(command, part.digest);
    const answer = await connection.call((client, limits) => client.send(signed, limits), {
      signal,
      action: `send part ${part.number} of ${key}`,
      bytes: part.bytes.byteLength,
    });
    this.#parts.push({ number: part.number, etag: answer.ETag ?? '', digest: part.digest });
  }

  async #complete(id: string, signal: AbortSignal): Promise<PutFacts> {
    const { store, connection, key, condition } = this.#target;
    const parts = this.#parts.toSorted((one, other) => one.number - other.number);
    const expected = compositeOf(parts.map(({ digest }) => digest));
    const command = new CompleteMultipartUploadCommand({
      ...this.#object,
      UploadId: id,
      ...condition,
      MultipartUpload: {
        Parts: parts.map(({ number, etag, digest }) => ({
          PartNumber: number,
          ETag: etag,
          ...(store.checksums === 'auto' ? { ChecksumSHA256: digest.base64 } : {}),
        })),
      },
    });
    const options = { signal, action: `complete the upload of ${key}` };
    try {
      const answer = await connection.tryCall((client, limits) => client.send(command, limits), {
        ...options,
      });
      return { compared: isComposite(answer.ChecksumSHA256, expected) ? 'checksum' : 'nothing' };
    } catch (thrown) {
      signal.throwIfAborted();
      // The answer to an earlier try was lost, and it had succeeded: then the upload is gone and
      // the object is there.
      if (serverCode(thrown) === 'NoSuchUpload' && (await this.#isThere(expected, signal))) {
        return { compared: 'checksum' };
      }
      throw toStoreFailure(thrown, store, options.action);
    }
  }

  async #isThere(expected: string, signal: AbortSignal): Promise<boolean> {
    const command = new HeadObjectCommand({ ...this.#object, ChecksumMode: 'ENABLED' });
    const { connection, key } = this.#target;
    try {
      const found = await connection.call((client, limits) => client.send(command, limits), {
        signal,
        action: `look at ${key}`,
      });
      const sizeBytes = await this.#body.sizeBytes;
      return found.ContentLength === sizeBytes && isComposite(found.ChecksumSHA256, expected);
    } catch (thrown) {
      if (thrown instanceof Failure) return false;
      throw thrown;
    }
  }

  async #abandon(id: string): Promise<void> {
    const { connection, key } = this.#target;
    const command = new AbortMultipartUploadCommand({ ...this.#object, UploadId: id });
    const call = connection.call((client, limits) => client.send(command, limits), {
      signal: AbortSignal.timeout(abandonLimitMs),
      action: `abandon the upload of ${key}`,
    });
    // What went wrong before is what has to be told; the sweep removes what stays.
    await call.catch(() => {});
  }
}

function checksumOf(digest: Digest, { checksums }: S3StoreOptions) {
  // Named as well as given: some servers pass over a digest whose algorithm is not named.
  return checksums === 'auto'
    ? { ChecksumAlgorithm: 'SHA256' as const, ChecksumSHA256: digest.base64 }
    : {};
}

/**
 * Signs the digest that is known already, so that the bytes are not hashed a second time. The
 * server holds what arrives against it, also where it knows no checksums.
 */
function withPayloadHash<C extends PutObjectCommand | UploadPartCommand>(
  command: C,
  digest: Digest,
): C {
  const stack = command.middlewareStack as PutObjectCommand['middlewareStack'];
  stack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-content-sha256'] = digest.hex;
      return next(args);
    },
    { step: 'build', name: 'payloadHash' },
  );
  return command;
}
