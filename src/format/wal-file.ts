/**
 * The first file of a write-ahead log, as etcd's own tool writes it for a restored member: the
 * members as configuration changes, committed by a term that nobody fought for.
 */
import { crc32c } from './crc32c.ts';
import { memberJson, type NewCluster } from './new-cluster.ts';
import { bytesField, varintField } from './protobuf-write.ts';

export const walFileName = '0000000000000000-0000000000000000.wal';
/** etcd reserves a whole segment; what lies behind the records is zero. */
export const walFileBytes = 64_000_000;

const recordType = { metadata: 1n, entry: 2n, state: 3n, crc: 4n, snapshot: 5n } as const;
const confChangeEntry = 1n;
const addNode = 0n;

/** Everything before the zeros. `memberId` is the member that the file is for. */
export function walRecords(cluster: NewCluster, memberId: bigint): Uint8Array {
  const { members } = cluster;
  const last = BigInt(members.length);
  const log = new RecordLog();
  log.append(recordType.crc, undefined);
  log.append(recordType.metadata, [varintField(1, memberId), varintField(2, cluster.id)]);
  log.append(recordType.snapshot, [varintField(1, 0n), varintField(2, 0n)]);
  for (const [at, member] of members.entries()) {
    const change = [
      varintField(1, 0n),
      varintField(2, addNode),
      varintField(3, member.id),
      bytesField(4, memberJson(member)),
    ];
    log.append(recordType.entry, [
      varintField(1, confChangeEntry),
      varintField(2, 1n),
      varintField(3, BigInt(at + 1)),
      bytesField(4, Buffer.concat(change)),
    ]);
  }
  const lowest = members[0]?.id ?? 0n;
  log.append(recordType.state, [varintField(1, 1n), varintField(2, lowest), varintField(3, last)]);
  log.append(recordType.snapshot, [
    varintField(1, last),
    varintField(2, 1n),
    bytesField(3, confState(cluster)),
  ]);
  return log.bytes();
}

/** raftpb.ConfState: the voters, no automatic leave. */
export function confState({ members }: NewCluster): Uint8Array {
  return Buffer.concat([...members.map(({ id }) => varintField(1, id)), varintField(5, 0n)]);
}

/** Records with a running CRC-32C over their data, each padded to eight bytes. */
class RecordLog {
  readonly #parts: Uint8Array[] = [];
  #crc = 0;

  append(type: bigint, fields: readonly Uint8Array[] | undefined): void {
    const data = fields && Buffer.concat(fields);
    if (data !== undefined) this.#crc = crc32c(data, this.#crc);
    const record = Buffer.concat([
      varintField(1, type),
      varintField(2, BigInt(this.#crc)),
      ...(data === undefined ? [] : [bytesField(3, data)]),
    ]);
    const padding = (8 - (record.length % 8)) % 8;
    const length = Buffer.alloc(8);
    // The highest byte tells of the padding: its lowest bits how much, its highest that there is.
    const mark = padding === 0 ? 0n : BigInt(0x80 | padding) << 56n;
    length.writeBigUInt64LE(BigInt(record.length) | mark);
    this.#parts.push(length, record, Buffer.alloc(padding));
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}
