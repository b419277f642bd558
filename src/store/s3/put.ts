/** Puts: small bodies in one request, larger ones in parts that become an object at once. */
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Failure } from '../../core/errors.ts';
import { checkedBody } from '../body.ts';
import type { Body, PutFacts } from '../port.ts';
import { checksumsOfWhole, type Told } from './checksums.ts';
import type { Connection } from './connection.ts';
import type { PutCondition } from './create.ts';
import { serverCode } from './failures.ts';
import type { S3StoreOptions } from './options.ts';
import { type PartPlan, planParts } from './part-plan.ts';
import { type Part, sendParts } from './parts.ts';
import { type CustomerFields, putFields } from './put-fields.ts';
import { signedAs } from './signed-as.ts';
import { type SentPart, Upload, type UploadPlace } from './upload.ts';

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
    return new PutInParts(target, name, body, plan).run(signal);
  }
  // Parts of a size for twice as many bytes: there is no going back once the first one is sent.
  return new PutInParts(target, name, body, planParts(2 * aboutBytes, partBytes)).run(signal);
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
  const { algorithm, sumOf } = checksumsOfWhole(store);
  const sum = sumOf(bytes);
  const command = new PutObjectCommand({
    Bucket: store.bucket,
    Key: key,
    Body: bytes,
    ContentLength: bytes.byteLength,
    ...putFields(store, new Date()),
    ...algorithm,
    ...sum.told,
    ...condition,
    ...customer,
  });
  const signed = signedAs(sum, command);
  const answer = await connection.call((client, limits) => client.send(signed, limits), {
    signal,
    action: `put ${key}`,
    bytes: bytes.byteLength,
  });
  const { ChecksumSHA256 } = sum.told;
  const isCompared = ChecksumSHA256 !== undefined && answer.ChecksumSHA256 === ChecksumSHA256;
  return { compared: isCompared ? 'checksum' : 'nothing' };
}

class PutInParts {
  readonly #target: PutTarget;
  readonly #name: string;
  readonly #body: Body;
  readonly #plan: PartPlan;
  readonly #object: UploadPlace['object'];
  readonly #sent: SentPart[] = [];

  constructor(target: PutTarget, name: string, body: Body, plan: PartPlan) {
    this.#target = target;
    this.#name = name;
    this.#body = body;
    this.#plan = plan;
    this.#object = { Bucket: target.store.bucket, Key: target.key, ...target.customer };
  }

  async run(signal: AbortSignal): Promise<PutFacts> {
    const { store, connection, unfinished } = this.#target;
    const call: UploadPlace['call'] = (send, options) => connection.call(send, options);
    const upload = await Upload.begin({ store, object: this.#object, call }, signal);
    unfinished.add(upload.id);
    try {
      const plan = this.#plan;
      const send = async (part: Part, limit: AbortSignal): Promise<void> => {
        this.#sent.push(await upload.send(part, upload.checksums.sumOf(part.bytes), limit));
      };
      const { concurrency } = store;
      await sendParts(this.#name, this.#body, send, { plan, concurrency, signal });
      return await this.#complete(upload, signal);
    } catch (thrown) {
      await upload.abandon();
      throw thrown;
    } finally {
      unfinished.delete(upload.id);
    }
  }

  async #complete(upload: Upload, signal: AbortSignal): Promise<PutFacts> {
    const parts = this.#sent.toSorted((one, other) => one.number - other.number);
    const sums = parts.map(({ sum }) => sum);
    const covers = (answer: Told): boolean => upload.checksums.covers(sums, answer);
    try {
      const answer = await upload.complete(parts, this.#target.condition, signal);
      return { compared: covers(answer) ? 'checksum' : 'nothing' };
    } catch (thrown) {
      signal.throwIfAborted();
      // The answer to an earlier try was lost, and it had succeeded: then the upload is gone and
      // the object is there.
      const isGone = serverCode((thrown as Error).cause) === 'NoSuchUpload';
      if (isGone && (await this.#isThere(covers, signal))) return { compared: 'checksum' };
      throw thrown;
    }
  }

  async #isThere(covers: (answer: Told) => boolean, signal: AbortSignal): Promise<boolean> {
    const command = new HeadObjectCommand({ ...this.#object, ChecksumMode: 'ENABLED' });
    const { connection, key } = this.#target;
    try {
      const found = await connection.call((client, limits) => client.send(command, limits), {
        signal,
        action: `look at ${key}`,
      });
      return found.ContentLength === (await this.#body.sizeBytes) && covers(found);
    } catch (thrown) {
      if (thrown instanceof Failure) return false;
      throw thrown;
    }
  }
}
