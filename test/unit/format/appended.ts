import type { AppendedPages } from '../../../src/format/append-pages.ts';

/** The database with what is to be written. */
export function changed(database: Uint8Array, changes: AppendedPages): Buffer {
  const { pages, meta, sizeBytes } = changes;
  const result = Buffer.alloc(sizeBytes);
  result.set(database);
  for (const { position, bytes } of [...pages, meta]) result.set(bytes, position);
  return result;
}
