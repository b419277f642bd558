/** How far a backup is on its way into all stores, told as one sum. */
import type { Observe } from '../core/events.ts';
import { tellEveryBytes } from './read-back.ts';

/** `totalBytes` where the way is longer than the backup. */
export type Advance = (doneBytes: number, totalBytes?: number) => void;

/**
 * One ear for each store. A slow store may take hours, and must not look dead meanwhile. Nothing is
 * told before the step of storing begins, but all that was sent until then counts.
 */
export class StoreProgress {
  readonly #ways: { doneBytes: number; totalBytes: number | undefined }[];
  readonly #observe: Observe;
  #sizeBytes: number | undefined;
  #toldBytes = 0;

  constructor(stores: number, observe: Observe) {
    this.#ways = Array.from({ length: stores }, () => ({ doneBytes: 0, totalBytes: undefined }));
    this.#observe = observe;
  }

  begin(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
    if (this.#doneBytes > 0) this.#tell(true);
  }

  ear(at: number): Advance {
    return (doneBytes, totalBytes) => {
      this.#ways[at] = { doneBytes, totalBytes };
      this.#tell(doneBytes === (totalBytes ?? this.#sizeBytes));
    };
  }

  get #doneBytes(): number {
    return this.#ways.reduce((sum, way) => sum + way.doneBytes, 0);
  }

  #tell(anyway: boolean): void {
    const sizeBytes = this.#sizeBytes;
    if (sizeBytes === undefined) return;
    const doneBytes = this.#doneBytes;
    if (!anyway && Math.abs(doneBytes - this.#toldBytes) < tellEveryBytes) return;
    this.#toldBytes = doneBytes;
    const totalBytes = this.#ways.reduce((sum, way) => sum + (way.totalBytes ?? sizeBytes), 0);
    this.#observe({ kind: 'step-advanced', step: 'store', doneBytes, totalBytes });
  }
}
