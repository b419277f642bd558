/**
 * What a snapshot stream must look like. Each message counts down what is left of the database,
 * the last one carries its SHA-256, and only the end of the stream ends it: both the last piece of
 * the database and the digest say that 0 bytes remain.
 */
import { Failure } from '../core/errors.ts';
import { type SnapshotLayout, sectorBytes, trailerBytes } from './snapshot-file.ts';

export class SnapshotStreamRules {
  #databaseBytes: number | undefined;
  #receivedBytes = 0;
  #messages = 0;

  /** Known after the first message. */
  get databaseBytes(): number | undefined {
    return this.#databaseBytes;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** What the message's blob is. Both kinds belong into the file, in the order they came. */
  accept(message: {
    readonly remainingBytes: number;
    readonly blobBytes: number;
  }): 'data' | 'trailer' {
    const { remainingBytes, blobBytes } = message;
    this.#messages++;
    if (!isCount(remainingBytes) || !isCount(blobBytes)) {
      throw this.#broken(`says that ${remainingBytes} bytes remain after ${blobBytes}`);
    }
    this.#databaseBytes ??= this.#announced(remainingBytes + blobBytes);
    const kind = this.#receivedBytes < this.#databaseBytes ? 'data' : 'trailer';
    if (kind === 'data') this.#checkData(this.#databaseBytes, remainingBytes, blobBytes);
    else this.#checkTrailer(this.#databaseBytes, remainingBytes, blobBytes);
    this.#receivedBytes += blobBytes;
    return kind;
  }

  /** The stream ended well: is it whole? */
  end(): SnapshotLayout {
    const databaseBytes = this.#databaseBytes;
    if (databaseBytes === undefined) {
      throw new Failure('stream-broken', 'the snapshot stream ended without a message');
    }
    const sizeBytes = databaseBytes + trailerBytes;
    if (this.#receivedBytes < databaseBytes) {
      throw this.#broken(
        `was the last; the stream ended at byte ${this.#receivedBytes} of ${databaseBytes}`,
      );
    }
    if (this.#receivedBytes < sizeBytes) {
      throw this.#broken('was the last; the stream ended without the SHA-256 of the snapshot');
    }
    return { databaseBytes, sizeBytes };
  }

  #announced(total: number): number {
    if (total === 0) throw this.#broken('announces an empty database');
    if (total % sectorBytes !== 0 || !isCount(total)) {
      throw this.#broken(`announces ${total} bytes, which no bbolt database has`);
    }
    return total;
  }

  #checkData(total: number, remaining: number, blob: number): void {
    // An etcd that cannot read its own file goes on sending empty messages for ever.
    if (blob === 0) throw this.#broken(`brings no bytes while ${remaining} remain`);
    const expected = total - this.#receivedBytes - blob;
    if (expected < 0) throw this.#broken(`reaches ${-expected} bytes past the announced ${total}`);
    if (remaining !== expected) {
      throw this.#broken(`says that ${remaining} bytes remain where ${expected} must`);
    }
  }

  #checkTrailer(total: number, remaining: number, blob: number): void {
    if (this.#receivedBytes > total) throw this.#broken('comes after the SHA-256');
    if (remaining !== 0) throw this.#broken(`says that ${remaining} bytes remain after the last`);
    if (blob !== trailerBytes) {
      throw this.#broken(`has ${blob} bytes where the SHA-256 of ${trailerBytes} belongs`);
    }
  }

  #broken(reason: string): Failure {
    return new Failure('stream-broken', `snapshot message ${this.#messages} ${reason}`, {
      context: {
        message: this.#messages,
        receivedBytes: this.#receivedBytes,
        databaseBytes: this.#databaseBytes ?? null,
      },
    });
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
