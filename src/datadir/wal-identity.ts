/** Which member of which cluster a data directory belongs to: the first file of its log says so. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClusterId, clusterId, type MemberId, memberId } from '../core/backup.ts';
import { crc32c } from '../format/crc32c.ts';
import { decodeFields, type ProtobufField } from '../format/protobuf.ts';

export interface WalIdentity {
  readonly member: MemberId;
  readonly cluster: ClusterId;
}

// The record of the identity is the second one of each file, some fifty bytes in.
const headBytes = 4096;
const metadataRecord = 1n;

/** Undefined when there is no log, or none that can be read: that is for etcd to say. */
export async function readWalIdentity(walDir: string): Promise<WalIdentity | undefined> {
  try {
    const names = (await readdir(walDir)).filter((name) => name.endsWith('.wal')).sort();
    const newest = names.at(-1);
    if (newest === undefined) return undefined;
    const handle = await open(join(walDir, newest), 'r');
    try {
      const head = Buffer.alloc(headBytes);
      const { bytesRead } = await handle.read(head, 0, headBytes, 0);
      return identityIn(head.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

/**
 * Records are framed by a length in 8 bytes, whose highest byte tells of the padding. A wrong
 * identity would be worse than none, so the running checksum has to fit.
 */
function identityIn(head: Buffer): WalIdentity | undefined {
  let crc = 0;
  for (let at = 0; at + 8 <= head.length; ) {
    const word = head.readBigUInt64LE(at);
    const recordBytes = Number(word & 0xff_ffff_ffff_ffffn);
    const padding = Number((word >> 56n) & 7n);
    const record = decodeFields(head.subarray(at + 8, at + 8 + recordBytes));
    if (recordBytes === 0 || record === undefined) return undefined;
    const told = Number(numberIn(record, 2));
    if (numberIn(record, 1) === metadataRecord) {
      const data = record.find(({ number }) => number === 3)?.bytes ?? new Uint8Array(0);
      const fields = decodeFields(data) ?? [];
      const [member, cluster] = [numberIn(fields, 1), numberIn(fields, 2)];
      if (crc32c(data, crc) !== told || cluster === 0n) return undefined;
      return { member: memberId(member), cluster: clusterId(cluster) };
    }
    // Each file begins with the checksum that the one before it ended with.
    crc = told;
    at += 8 + recordBytes + padding;
  }
  return undefined;
}

function numberIn(fields: readonly ProtobufField[], wanted: number): bigint {
  return fields.find(({ number }) => number === wanted)?.value ?? 0n;
}
