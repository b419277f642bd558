/**
 * The newest bytes of a spool file, in memory that two threads share: they arrive here, the disk is
 * written from here, and the proof reads them here instead of asking the disk for them again. The
 * byte `n` of the file lies at `n` modulo the size, until a later one takes its place.
 */
export const ringBytes = 8 * 1024 * 1024;
/** Writes past the page cache need offset, length and memory at multiples of this. */
export const alignmentBytes = 4096;

const wasmPageBytes = 65_536;

/** Only what is needed of it; the types of Node.js do not tell of it. */
declare const WebAssembly: {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => { readonly buffer: SharedArrayBuffer };
};

export class Ring {
  /** What another thread opens the same ring with. */
  readonly memory: SharedArrayBuffer;
  readonly #bytes: Buffer<SharedArrayBuffer>;
  /** Bytes before this may be in the ring; those `ringBytes` before it no longer are. */
  readonly #claimed: BigInt64Array<SharedArrayBuffer>;

  constructor(memory = alignedMemory(ringBytes + alignmentBytes)) {
    this.memory = memory;
    this.#bytes = Buffer.from(this.memory, 0, ringBytes);
    this.#claimed = new BigInt64Array(this.memory, ringBytes, 1);
  }

  /** The same memory, as if nothing had ever been in it. */
  emptied(): Ring {
    Atomics.store(this.#claimed, 0, 0n);
    return this;
  }

  /** Puts bytes in at `offset`; what lies there must be in the file already. */
  put(offset: number, bytes: Uint8Array): void {
    Atomics.store(this.#claimed, 0, BigInt(offset + bytes.byteLength));
    const at = offset % ringBytes;
    const first = Math.min(bytes.byteLength, ringBytes - at);
    if (first === bytes.byteLength) {
      copyBytes(bytes, this.#bytes, at);
    } else {
      copyBytes(bytes.subarray(0, first), this.#bytes, at);
      copyBytes(bytes.subarray(first), this.#bytes, 0);
    }
  }

  /** The bytes from `start` to `end`, or as many of them as lie in one piece. */
  piece(start: number, end: number): Uint8Array {
    const at = start % ringBytes;
    return this.#bytes.subarray(at, Math.min(at + end - start, ringBytes));
  }

  /**
   * Copies what was at `offset` of the file, or returns false when it is no longer here. A reader
   * that a writer overtakes while it copies sees that afterwards. Were it ever missed, the digest
   * over the copy would not fit: a good file would be refused, never a bad one taken.
   */
  copy(offset: number, into: Uint8Array): boolean {
    if (!this.#holds(offset, into.byteLength)) return false;
    const at = offset % ringBytes;
    const first = Math.min(into.byteLength, ringBytes - at);
    copyBytes(this.#bytes.subarray(at, at + first), into, 0);
    copyBytes(this.#bytes.subarray(0, into.byteLength - first), into, first);
    return this.#holds(offset, into.byteLength);
  }

  #holds(offset: number, bytes: number): boolean {
    // Adding nothing is also a fence, which a load is not for the reads before it.
    const claimed = Number(Atomics.add(this.#claimed, 0, 0n));
    return offset >= claimed - ringBytes && offset + bytes <= claimed;
  }
}

/**
 * As `into.set(bytes, at)`, but a plain memmove where memory is shared: V8 copies that byte by byte
 * unless both lie alike in their words, and snapshots do not. Node's own copy does so for a part of
 * the bytes only: all but the last.
 */
function copyBytes(bytes: Uint8Array, into: Uint8Array, at: number): void {
  const last = bytes.byteLength - 1;
  if (last < 0) return;
  Buffer.prototype.copy.call(bytes, into, at, 0, last);
  into[at + last] = bytes[last] as number;
}

/** Of a backup: one for what is drained, one for what is made of it. */
const idleLimit = 2;
const idle: Ring[] = [];

/**
 * A ring without bytes, one that was used before where there is one: memory that threads share is
 * freed late, and a daemon would gather some with every backup.
 */
export function takeRing(): Ring {
  const used = idle.pop();
  return used === undefined ? new Ring() : used.emptied();
}

/** Nobody may write to the ring or from it any more. */
export function giveBack(ring: Ring): void {
  if (idle.length < idleLimit) idle.push(ring);
}

/** Memory that begins at a page, which in JavaScript only WebAssembly's promises. */
export function alignedMemory(bytes: number): SharedArrayBuffer {
  const pages = Math.ceil(bytes / wasmPageBytes);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer;
}
