/** A workshop whose backup is in one store and not in the other. */
import type { Manifest } from '../../../src/core/manifest.ts';
import { type CopyEnd, type CopyOptions, copyBackup } from '../../../src/engine/copy.ts';
import { putBytes, readBytes } from '../../contract/store-bodies.ts';
import { openWorkshop, signal, type Workshop } from './workshop.ts';

export interface Copying extends AsyncDisposable {
  readonly work: Workshop;
  /** As the store `memory` holds it. */
  readonly source: Manifest;
  /** From `memory` to `disk`. */
  copy(options?: Partial<CopyOptions>): Promise<CopyEnd>;
  bytesIn(store: string): Promise<Uint8Array>;
  /** Writes other bytes over the data in a store. */
  damage(store: string, bytes?: Uint8Array): Promise<void>;
}

/** One real backup in `memory` alone. */
export async function copying(): Promise<Copying> {
  const work = openWorkshop();
  const { id } = await work.backup();
  await work.catalog('disk').forget(id, { signal });
  const source = await work.catalog('memory').find(id, { signal });
  const { object } = source.sealed;
  const bytesIn = (store: string) => readBytes(work.store(store), object);
  return {
    work,
    source,
    copy: (options = {}) =>
      copyBackup(id, work.catalog('memory'), work.catalog('disk'), work.deps, {
        signal,
        ...options,
      }),
    bytesIn,
    async damage(store, bytes) {
      const wrong = bytes ?? Uint8Array.from(await bytesIn(store), (byte) => byte ^ 1);
      await putBytes(work.store(store), object, wrong);
    },
    [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
  };
}
