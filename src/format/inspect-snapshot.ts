/** The whole proof of a file that lies there complete: trailer, structure and facts in one read. */
import type { ByteSource } from './byte-source.ts';
import { snapshotLayout } from './snapshot-file.ts';
import { type ScannedSnapshot, type ScanOptions, SnapshotScan } from './snapshot-scan.ts';

export interface InspectOptions extends ScanOptions {
  readonly onAdvance?: (doneBytes: number, totalBytes: number) => void;
}

// Often enough for a progress bar.
const stepBytes = 16 * 1024 * 1024;

/** Throws `snapshot-corrupt` with the page and the reason of the first fault. */
export function inspectSnapshot(source: ByteSource, options: InspectOptions = {}): ScannedSnapshot {
  const layout = snapshotLayout(source.sizeBytes);
  const scan = new SnapshotScan(source, options);
  for (let offset = stepBytes; offset < layout.databaseBytes; offset += stepBytes) {
    scan.advance(offset);
    options.onAdvance?.(scan.scannedBytes, layout.sizeBytes);
  }
  const scanned = scan.finish(layout);
  options.onAdvance?.(layout.sizeBytes, layout.sizeBytes);
  return scanned;
}
