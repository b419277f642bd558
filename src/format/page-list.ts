/** Page numbers in an order that matters, four bytes each, however many. */
const chunkPages = 65_536;

export class PageList {
  readonly #chunks: Uint32Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(page: number): void {
    const at = this.#length % chunkPages;
    if (at === 0) this.#chunks.push(new Uint32Array(chunkPages));
    (this.#chunks.at(-1) as Uint32Array)[at] = page;
    this.#length++;
  }

  at(index: number): number {
    return (this.#chunks[Math.floor(index / chunkPages)] as Uint32Array)[
      index % chunkPages
    ] as number;
  }
}
