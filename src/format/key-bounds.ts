/** The range of keys that a page may hold, given by the separator keys above it. */
import { pageFault } from './fault.ts';

export interface KeyBounds {
  /** The first key may equal it; undefined at the root. */
  readonly lower: Uint8Array | undefined;
  /** Every key is smaller; undefined at the right edge. */
  readonly upper: Uint8Array | undefined;
}

export const noBounds: KeyBounds = { lower: undefined, upper: undefined };

// bbolt refuses longer keys; a longer one can only be damage.
export const maxKeyBytes = 32_768;

/** Throws unless `key` follows `before` and lies within the bounds of its page. */
export function checkKeyOrder(
  place: { readonly page: number; readonly index: number },
  key: Uint8Array,
  before: Uint8Array | undefined,
  bounds: KeyBounds,
): void {
  const { page, index } = place;
  if (before !== undefined) {
    const order = Buffer.compare(before, key);
    if (order === 0) throw pageFault(page, `element ${index} repeats the key before it`, { index });
    if (order > 0) throw pageFault(page, `element ${index} is out of order`, { index });
  } else if (bounds.lower !== undefined && Buffer.compare(key, bounds.lower) < 0) {
    throw pageFault(page, 'the first key is smaller than the key that leads to the page', {
      index,
    });
  }
  if (bounds.upper !== undefined && Buffer.compare(key, bounds.upper) >= 0) {
    throw pageFault(page, `the key of element ${index} belongs to a page further right`, { index });
  }
}
