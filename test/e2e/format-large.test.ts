/** A database beyond 4 GiB: no position may pass through 32 bits. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileSource } from '../../src/format/file-source.ts';
import { hashKv } from '../../src/format/hash-kv.ts';
import { inspectSnapshot } from '../../src/format/inspect-snapshot.ts';
import { type TestFile, writeBbolt } from '../support/bbolt.ts';
import { metaPage } from '../support/bbolt-pages.ts';
import { clusterBuckets } from '../unit/format/cluster-bytes.ts';
import { hashKvOf, historyOf, pairsOf, statusHashOf } from '../unit/format/history.ts';

const pageSize = 65_536;
// The first page of the tree lies at 4.25 GiB.
const movedBy = (17 * 2 ** 28) / pageSize;

/** Writes the file with a hole between its metas and its tree, whose numbers grow accordingly. */
function writeMoved(path: string, file: TestFile): void {
  const descriptor = openSync(path, 'w');
  const { bytes } = file;
  for (let page = 2; page < bytes.length / pageSize; page++) {
    const image = bytes.subarray(page * pageSize, (page + 1) * pageSize);
    renumber(image, file.rootPage === page);
    writeSync(descriptor, image, 0, pageSize, (page + movedBy) * pageSize);
  }
  const pageCount = bytes.length / pageSize + movedBy;
  const rootPage = file.rootPage + movedBy;
  for (const id of [0, 1]) {
    const meta = { id, pageSize, rootPage, freelistPage: undefined, pageCount, txid: 7n };
    writeSync(descriptor, metaPage(meta), 0, 80, id * pageSize);
  }
  ftruncateSync(descriptor, pageCount * pageSize);
  closeSync(descriptor);
}

function renumber(image: Buffer, isRoot: boolean): void {
  image.writeBigUInt64LE(image.readBigUInt64LE(0) + BigInt(movedBy), 0);
  const isBranch = image.readUInt16LE(8) === 1;
  for (let index = 0; index < image.readUInt16LE(10); index++) {
    const element = 16 + index * 16;
    if (isBranch) moveId(image, element + 8);
    if (!isRoot) continue;
    const value = element + image.readUInt32LE(element + 4) + image.readUInt32LE(element + 8);
    moveId(image, value);
  }
}

function moveId(image: Buffer, at: number): void {
  const id = image.readBigUInt64LE(at);
  if (id !== 0n) image.writeBigUInt64LE(id + BigInt(movedBy), at);
}

test('a database beyond 4 GiB is read like a small one', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'format-large-'));
  try {
    const rows = historyOf(
      Array.from({ length: 2000 }, (_, at) => [
        { put: `key-${at % 1500}`, value: 'v'.repeat(at % 900) },
      ]),
    );
    const buckets = { ...clusterBuckets(), key: pairsOf(rows) };
    const path = join(folder, 'db');
    writeMoved(path, writeBbolt(buckets, { pageSize, shuffleSeed: 3 }));

    using source = fileSource(path);
    const { facts, keyspace } = inspectSnapshot(source);

    expect(facts.databaseBytes).toBeGreaterThan(2 ** 32);
    expect(facts.statusHash).toBe(statusHashOf(buckets));
    expect(facts.keys).toBe(1500);
    const at = { revision: 1900n, compactRevision: 1700n };
    expect(hashKv(keyspace, at)).toBe(hashKvOf(rows, 1900n, 1700n));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
