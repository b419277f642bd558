/**
 * The newest rows of as many keys as there is room for, the first ones in the order of their bytes.
 * Keys are texts here, one character for one byte: so texts have that order.
 */
export interface KeySpan {
  readonly prefix: Uint8Array;
  /** Smaller keys were told before. */
  readonly from: string;
}

// What a key costs in the window beside its own bytes.
const entryBytes = 100;

export class KeyWindow {
  readonly span: KeySpan;
  readonly #roomBytes: number;
  /** The element of its newest row, by key: one number, because there are so many. */
  readonly #newest = new Map<string, number>();
  #usedBytes = 0;
  #end: string | undefined;

  constructor(span: KeySpan, roomBytes: number) {
    this.span = span;
    this.#roomBytes = roomBytes;
  }

  /** Keys from this one on are left to the next window; undefined when nothing is. */
  get end(): string | undefined {
    return this.#end;
  }

  put(name: string, element: number): void {
    if (name < this.span.from) return;
    if (this.#end !== undefined && name >= this.#end) return;
    if (!this.#newest.has(name)) this.#usedBytes += name.length + entryBytes;
    this.#newest.set(name, element);
    if (this.#usedBytes > this.#roomBytes) this.#narrow();
  }

  remove(name: string): void {
    if (this.#newest.delete(name)) this.#usedBytes -= name.length + entryBytes;
  }

  *inOrder(): Generator<number, void, undefined> {
    for (const name of [...this.#newest.keys()].sort()) {
      yield this.#newest.get(name) as number;
    }
  }

  /** Leaves the upper half of the keys to a later window. */
  #narrow(): void {
    const names = [...this.#newest.keys()].sort();
    const kept = Math.ceil(names.length / 2);
    if (kept === names.length) return;
    this.#end = names[kept];
    for (const name of names.slice(kept)) this.remove(name);
  }
}
