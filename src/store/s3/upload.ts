/** An upload in parts as the server knows it: the requests that it is made of. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type Checksums, checksumsOfParts, onceBegun, type Sum } from './checksums.ts';
import type { CallOptions, Send } from './connection.ts';
import type { PutCondition } from './create.ts';
import type { S3StoreOptions } from './options.ts';
import { type CustomerFields, putFields } from './put-fields.ts';
import { signedAs } from './signed-as.ts';

/** An upload that nobody finishes is worth a few seconds: what stays is swept later. */
const abandonLimitMs = 30_000;

export interface UploadPlace {
  readonly store: S3StoreOptions;
  readonly object: { readonly Bucket: string; readonly Key: string } & CustomerFields;
  /** How often a request is tried, and what is thrown, is the caller's. */
  readonly call: <T>(send: Send<T>, options: CallOptions) => Promise<T>;
}

export interface SentPart {
  readonly number: number;
  readonly etag: string;
  readonly sum: Sum;
}

/** Where nothing else is said, a method throws what `call` does. */
export class Upload {
  readonly id: string;
  readonly checksums: Checksums;
  readonly #place: UploadPlace;

  private constructor(place: UploadPlace, id: string, checksums: Checksums) {
    this.#place = place;
    this.id = id;
    this.checksums = checksums;
  }

  static async begin(place: UploadPlace, signal: AbortSignal): Promise<Upload> {
    const { store, object, call } = place;
    const asked = checksumsOfParts(store);
    const command = new CreateMultipartUploadCommand({
      ...object,
      ...putFields(store, new Date()),
      ...asked.algorithm,
      ...asked.type,
    });
    const send: Send<Upload> = async (client, limits) => {
      const answer = await client.send(command, limits);
      if (answer.UploadId === undefined) throw new Error('the answer names no upload');
      return new Upload(place, answer.UploadId, onceBegun(asked, answer));
    };
    return call(send, { signal, action: `begin an upload of ${object.Key}` });
  }

  /** `sum` is of the same bytes. */
  async send(
    part: { readonly number: number; readonly bytes: Uint8Array },
    sum: Sum,
    signal: AbortSignal,
  ): Promise<SentPart> {
    const { object, call } = this.#place;
    const { number, bytes } = part;
    const command = new UploadPartCommand({
      ...object,
      UploadId: this.id,
      PartNumber: number,
      Body: bytes,
      ContentLength: bytes.byteLength,
      ...this.checksums.algorithm,
      ...sum.told,
    });
    const signed = signedAs(sum, command);
    const answer = await call((client, limits) => client.send(signed, limits), {
      signal,
      action: `send part ${number} of ${object.Key}`,
      bytes: bytes.byteLength,
    });
    return { number, etag: answer.ETag ?? '', sum };
  }

  /** The parts in their order. */
  async complete(
    parts: readonly SentPart[],
    condition: PutCondition,
    signal: AbortSignal,
  ): Promise<CompleteMultipartUploadCommandOutput> {
    const { object, call } = this.#place;
    const command = new CompleteMultipartUploadCommand({
      ...object,
      UploadId: this.id,
      ...condition,
      MultipartUpload: {
        Parts: parts.map(({ number, etag, sum }) => ({
          PartNumber: number,
          ETag: etag,
          ...sum.told,
        })),
      },
    });
    return call((client, limits) => client.send(command, limits), {
      signal,
      action: `complete the upload of ${object.Key}`,
    });
  }

  /** Never throws: why it is abandoned is what has to be told. */
  async abandon(): Promise<void> {
    const { object, call } = this.#place;
    const command = new AbortMultipartUploadCommand({ ...object, UploadId: this.id });
    const signal = AbortSignal.timeout(abandonLimitMs);
    const action = `abandon the upload of ${object.Key}`;
    await call((client, limits) => client.send(command, limits), { signal, action }).catch(
      () => {},
    );
  }
}
