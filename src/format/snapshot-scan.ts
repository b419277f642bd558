/**
 * The proof of a snapshot in one read of its bytes. Follows a file while it grows, in file order:
 * each window is hashed and its pages are judged; `finish` joins what was found along the tree.
 * Lives in one thread and blocks it while it works.
 */
import { createHash } from 'node:crypto';
import { type ByteSource, readFully } from './byte-source.ts';
import { DatabaseReader } from './database-reader.ts';
import { fileFault } from './fault.ts';
import { announcedMeta, chooseMeta, type Meta } from './meta.ts';
import { PageScan } from './page-scan.ts';
import { type ProvedDatabase, proveDatabase } from './prove-database.ts';
import { type SnapshotDigests, type SnapshotLayout, sectorBytes } from './snapshot-file.ts';

export interface ScanOptions {
  /** Rows remembered from the first pass, 8 bytes each. More cost a further read of their pages. */
  readonly rowLimit?: number;
  /** User keys remembered at once, about 12 bytes each. More cost a further pass over the rows. */
  readonly keyLimit?: number;
  /** The most that is read at once; the largest page that the first pass can judge. */
  readonly windowBytes?: number;
}

export interface ScannedSnapshot extends ProvedDatabase {
  readonly digests: SnapshotDigests;
}

// 2 Mi rows are 16 MiB; as many keys as fit 1 Mi slots without crowding are another 8 MiB.
const defaultRows = 2 ** 21;
const defaultKeys = 730_000;
// Fits the processor's second cache, so that hash, sum and rows find the bytes there.
const defaultWindowBytes = 1024 * 1024;
const smallestWindowBytes = 65_536;
// Following a file in steps smaller than this would be all calls and no work.
const stepBytes = 256 * 1024;

export class SnapshotScan {
  readonly #source: ByteSource;
  readonly #limits: { readonly rowLimit: number; readonly keyLimit: number };
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #hash = createHash('sha256');
  #pages: PageScan | undefined;
  #start = 0;
  #filled = 0;
  #digests: SnapshotDigests | undefined;

  constructor(source: ByteSource, options: ScanOptions = {}) {
    const { rowLimit = defaultRows, keyLimit = defaultKeys } = options;
    const windowBytes = Math.max(options.windowBytes ?? defaultWindowBytes, smallestWindowBytes);
    this.#source = source;
    this.#limits = { rowLimit, keyLimit };
    this.#bytes = new Uint8Array(windowBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Everything before this was read and hashed. */
  get scannedBytes(): number {
    return this.#start + this.#filled;
  }

  /** The bytes before `toOffset` are in the source and will not change. */
  advance(toOffset: number): void {
    // The trailer is shorter than a sector, so it is never taken for a part of the database.
    const end = Math.floor(toOffset / sectorBytes) * sectorBytes;
    if (end - this.scannedBytes >= stepBytes) this.#readTo(end);
  }

  /**
   * The proof `received`: says whether the trailer fits, and throws only when bytes are missing.
   */
  digests(layout: SnapshotLayout): SnapshotDigests {
    if (this.#digests !== undefined) return this.#digests;
    const { databaseBytes, sizeBytes } = layout;
    this.#readTo(databaseBytes);
    const databaseSha256 = this.#hash.copy().digest('hex');
    if (sizeBytes === databaseBytes) {
      this.#digests = { databaseSha256, fileSha256: databaseSha256, trailer: 'absent' };
    } else {
      const trailer = new Uint8Array(sizeBytes - databaseBytes);
      readFully(this.#source, databaseBytes, trailer);
      const fileSha256 = this.#hash.update(trailer).digest('hex');
      const matches = databaseSha256 === Buffer.from(trailer).toString('hex');
      this.#digests = { databaseSha256, fileSha256, trailer: matches ? 'matches' : 'differs' };
    }
    return this.#digests;
  }

  /** The proof `sound`. Throws `snapshot-corrupt` at the first fault, a wrong trailer included. */
  finish(layout: SnapshotLayout): ScannedSnapshot {
    const digests = this.digests(layout);
    if (digests.trailer === 'differs') {
      throw fileFault('the SHA-256 at the end of the file is not that of its content', {
        databaseSha256: digests.databaseSha256,
      });
    }
    const reader = new DatabaseReader(this.#source, layout.databaseBytes);
    const meta = chooseMeta(reader);
    checkLength(meta, layout);
    const scan = this.#scanFor(meta, layout.databaseBytes);
    const { keyLimit } = this.#limits;
    const quickReader = new DatabaseReader(scan.branches.over(this.#source), layout.databaseBytes);
    return { digests, ...proveDatabase(quickReader, meta, { scan, keyLimit }) };
  }

  #readTo(end: number): void {
    while (this.scannedBytes < end) {
      const fresh = this.#fill(end);
      this.#hash.update(fresh);
      if (this.#start === 0) this.#pages ??= this.#openPages();
      this.#judge();
    }
  }

  #fill(end: number): Uint8Array {
    const filled = this.#filled;
    const length = Math.min(this.#bytes.length - filled, end - this.scannedBytes);
    const fresh = this.#bytes.subarray(filled, filled + length);
    readFully(this.#source, this.scannedBytes, fresh);
    this.#filled = filled + length;
    return fresh;
  }

  /** The first page says how large pages are; when it is damaged, `finish` finds out. */
  #openPages(): PageScan | undefined {
    const meta = announcedMeta(this.#bytes.subarray(0, this.#filled));
    return meta && new PageScan(meta, this.#limits.rowLimit);
  }

  #judge(): void {
    const end = this.scannedBytes;
    const sight = { bytes: this.#bytes, view: this.#view };
    const wanted = this.#pages?.take(sight, this.#start, this.#filled) ?? end;
    this.#bytes.copyWithin(0, wanted - this.#start, this.#filled);
    this.#start = wanted;
    this.#filled = end - wanted;
  }

  #scanFor(meta: Meta, databaseBytes: number): PageScan {
    if (this.#pages?.geometry.pageSize === meta.pageSize) return this.#pages;
    this.#pages = new PageScan(meta, this.#limits.rowLimit);
    this.#start = 0;
    this.#filled = 0;
    while (this.scannedBytes < databaseBytes) {
      this.#fill(databaseBytes);
      this.#judge();
    }
    return this.#pages;
  }
}

/** A streamed snapshot is exactly as long as its meta says; a copied file may be longer. */
function checkLength(meta: Meta, { databaseBytes, sizeBytes }: SnapshotLayout): void {
  const expected = meta.pageCount * meta.pageSize;
  if (sizeBytes === databaseBytes || expected === databaseBytes) return;
  throw fileFault(
    `the database has ${databaseBytes} bytes, but its meta counts ${meta.pageCount} pages ` +
      `of ${meta.pageSize} bytes`,
    { databaseBytes, expected },
  );
}
