/**
 * The pairs of a leaf page, each checked: inside the page, in order, within the bounds, and no
 * byte claimed twice. Reads piece by piece, so a page of any size is no burden.
 */
import type { DatabaseReader } from './database-reader.ts';
import { pageFault } from './fault.ts';
import { checkKeyOrder, type KeyBounds, maxKeyBytes } from './key-bounds.ts';
import { elementBytes, type Page, pageHeaderBytes } from './page.ts';

const bucketFlag = 0x01;

export interface Pair {
  readonly index: number;
  /** Whether the value is a bucket. */
  readonly isBucket: boolean;
  readonly key: Uint8Array<ArrayBuffer>;
  /** Where the key begins in the file; the value follows it directly. */
  readonly start: number;
  readonly valueStart: number;
  readonly valueBytes: number;
}

export function* pairsOf(reader: DatabaseReader, leaf: Page, bounds: KeyBounds): Generator<Pair> {
  const dataStart = leaf.start + pageHeaderBytes + leaf.count * elementBytes;
  if (dataStart > leaf.end) throw pageFault(leaf.page, `has no room for ${leaf.count} elements`);
  let free = leaf.end - dataStart;
  let before: Uint8Array | undefined;
  for (let index = 0; index < leaf.count; index++) {
    const element = readElement(reader, leaf, index);
    const { start, keyBytes, valueBytes } = element;
    const end = start + keyBytes + valueBytes;
    if (start < dataStart || end > leaf.end) {
      throw pageFault(leaf.page, `element ${index} lies outside the page`, { index });
    }
    free -= keyBytes + valueBytes;
    if (free < 0) throw pageFault(leaf.page, `element ${index} overlaps another`, { index });
    if (keyBytes > maxKeyBytes) {
      throw pageFault(leaf.page, `element ${index} has a key of ${keyBytes} bytes`, { index });
    }
    const key = reader.bytes(start, keyBytes).slice();
    checkKeyOrder({ page: leaf.page, index }, key, before, bounds);
    before = key;
    const valueStart = start + keyBytes;
    yield { index, isBucket: element.isBucket, key, start, valueStart, valueBytes };
  }
}

function readElement(reader: DatabaseReader, leaf: Page, index: number) {
  const at = leaf.start + pageHeaderBytes + index * elementBytes;
  const bytes = reader.bytes(at, elementBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, elementBytes);
  const flags = view.getUint32(0, true);
  if (flags > bucketFlag) {
    throw pageFault(leaf.page, `element ${index} has the unknown flags 0x${flags.toString(16)}`, {
      index,
    });
  }
  return {
    isBucket: flags === bucketFlag,
    start: at + view.getUint32(4, true),
    keyBytes: view.getUint32(8, true),
    valueBytes: view.getUint32(12, true),
  };
}
