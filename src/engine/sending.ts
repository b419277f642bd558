/**
 * A snapshot on its way into every store while it is still being drained: sealed once, taken by
 * each store at its own speed. It appears in none of them before it is released: what is not proved
 * in the end, or breaks off, leaves no trace.
 */
import type { ClusterId } from '../core/backup.ts';
import { Failure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { composeStem, dataName, type ObjectName } from '../core/names.ts';
import type { SpoolFile } from '../spool/file.ts';
import type { ProvedFile } from '../spool/prover.ts';
import type { Body, PutFacts } from '../store/port.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { type Sealing, sealAlong } from './seal.ts';
import { type Advance, StoreProgress } from './store-progress.ts';

export interface Parcel {
  readonly shelf: Shelf;
  /** Settles once the store has all or has failed. */
  readonly put: Promise<PutFacts>;
  readonly advance: Advance;
}

/** Disposing ends what is still on its way. */
export interface Sending extends AsyncDisposable {
  /** What the id of the backup ends with. */
  readonly suffix: string;
  /** Waits for the sealing. The drawn file and its proof must not be needed any more. */
  sealed(proved: ProvedFile): Promise<Manifest['sealed']>;
  /** Syncs the spool and lets the snapshot appear. Throws where the spool fails. */
  release(sizeBytes: number): Promise<readonly Parcel[]>;
}

export interface SendingOrder {
  readonly cluster: ClusterId;
  readonly startedAt: Date;
  readonly drawn: SpoolFile;
  readonly aboutBytes: number;
}

export async function startSending(
  order: SendingOrder,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<Sending> {
  const sealing = await sealAlong(order.drawn, order.aboutBytes, deps, signal);
  return new OnTheWay(order, sealing, deps, signal);
}

class OnTheWay implements Sending {
  readonly suffix: string;
  readonly #object: ObjectName;
  readonly #drawn: SpoolFile;
  readonly #sealing: Sealing;
  readonly #parcels: readonly Parcel[];
  readonly #progress: StoreProgress;
  readonly #size = Promise.withResolvers<number>();
  readonly #stop = new AbortController();

  constructor(order: SendingOrder, sealing: Sealing, deps: EngineDeps, signal: AbortSignal) {
    this.suffix = deps.suffix();
    this.#drawn = order.drawn;
    this.#sealing = sealing;
    this.#object = dataName(
      order.cluster,
      composeStem(order.startedAt, this.suffix),
      sealing.suffix,
    );
    // A store may never come to ask for it.
    this.#size.promise.catch(() => undefined);
    this.#progress = new StoreProgress(deps.shelves.length, deps.observe);
    const ending = AbortSignal.any([signal, this.#stop.signal]);
    this.#parcels = deps.shelves.map((shelf, at) => {
      const advance = this.#progress.ear(at);
      const put = shelf.store.put(this.#object, this.#body(order.aboutBytes, advance), {
        signal: ending,
      });
      // Told to whoever keeps the backup, if it comes to that.
      put.catch(() => undefined);
      return { shelf, put, advance };
    });
  }

  async sealed(proved: ProvedFile): Promise<Manifest['sealed']> {
    const facts = await this.#sealing.facts(proved);
    // A slow store must not keep two files on the disk.
    if (this.#sealing.file !== this.#drawn) await this.#drawn[Symbol.asyncDispose]();
    return { object: this.#object, ...facts };
  }

  async release(sizeBytes: number): Promise<readonly Parcel[]> {
    await this.#sealing.file.sync();
    this.#progress.begin(sizeBytes);
    this.#size.resolve(sizeBytes);
    return this.#parcels;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new Failure('stopped', 'the snapshot was given up');
    this.#size.reject(reason);
    this.#stop.abort(reason);
    await Promise.allSettled(this.#parcels.map(({ put }) => put));
    await this.#sealing[Symbol.asyncDispose]();
  }

  #body(aboutBytes: number, advance: Advance): Body {
    const { file } = this.#sealing;
    const open = async function* () {
      let givenBytes = 0;
      for await (const chunk of file.bytes()) {
        yield chunk;
        // Asked for the next one: this one was taken.
        givenBytes += chunk.byteLength;
        advance(givenBytes);
      }
    };
    return { open, sizeBytes: this.#size.promise, aboutBytes, file: file.path };
  }
}
