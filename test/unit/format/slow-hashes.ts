/** Made rows of etcd, and its hashes computed the slow way, word for word as they are defined. */
import type { MadeBucket } from './made-file.ts';
import type { MadePair } from './made-pages.ts';

export interface MadeRow {
  readonly main: number;
  readonly sub: number;
  readonly key: string;
  /** Undefined: a tombstone. */
  readonly value: Uint8Array | undefined;
}

export function pairOf({ main, sub, key, value }: MadeRow): MadePair {
  const tombstone = value === undefined;
  const row = Buffer.alloc(tombstone ? 18 : 17);
  row.writeBigUInt64BE(BigInt(main), 0);
  row.write('_', 8);
  row.writeBigUInt64BE(BigInt(sub), 9);
  if (tombstone) row.write('t', 17);
  return { key: row, value: keyValue(main, key, value) };
}

function keyValue(main: number, key: string, value: Uint8Array | undefined): Uint8Array {
  const name = Buffer.from(key);
  const head = [Buffer.of(0x0a), varint(name.length), name];
  if (value === undefined) return Buffer.concat(head);
  const numbers = [
    Buffer.of(0x10),
    varint(main),
    Buffer.of(0x18),
    varint(main),
    Buffer.of(0x20, 1),
  ];
  const body = value.length === 0 ? [] : [Buffer.of(0x2a), varint(value.length), value];
  return Buffer.concat([...head, ...numbers, ...body]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** The buckets of a store with this history, as etcd lays them out. */
export function bucketsOf(rows: readonly MadeRow[], compacted?: number): MadeBucket[] {
  const mark = compacted && pairOf({ main: compacted, sub: 0, key: '', value: text('') }).key;
  const marks = mark ? [{ key: text('scheduledCompactRev'), value: mark }] : [];
  const member = '{"id":10276657743932975437,"peerURLs":["http://a:2380"],"name":"a"}';
  const members = [{ key: text('8e9e05c52164694d'), value: text(member) }];
  const index = { key: text('consistent_index'), value: Buffer.alloc(8, 1) };
  return [
    { name: 'key', pairs: rows.map(pairOf) },
    { name: 'lease', pairs: [], inline: true },
    { name: 'members', pairs: members, inline: true },
    { name: 'meta', pairs: [index, ...marks], inline: true },
  ];
}

export function text(value: string): Uint8Array {
  return Buffer.from(value);
}

export function slowCrc32c(parts: readonly Uint8Array[]): number {
  let sum = 0xffffffff;
  for (const part of parts) {
    for (const byte of part) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0);
    }
  }
  return (sum ^ 0xffffffff) >>> 0;
}

export function slowStatusHash(buckets: readonly MadeBucket[]): number {
  const sorted = buckets.toSorted((a, b) => Buffer.compare(text(a.name), text(b.name)));
  return slowCrc32c(
    sorted.flatMap(({ name, pairs }) => [
      text(name),
      ...pairs.flatMap(({ key, value }) => [key, value]),
    ]),
  );
}

export function slowKeys(rows: readonly MadeRow[]): number {
  const live = new Set<string>();
  for (const { key, value } of rows) {
    if (value === undefined) live.delete(key);
    else live.add(key);
  }
  return live.size;
}

export function slowHashKv(
  rows: readonly MadeRow[],
  at: { readonly revision: number; readonly compact: number },
): number {
  const visible = rows.filter((row) => row.main <= at.revision);
  const newest = new Map(visible.map((row) => [row.key, row]));
  const keep = new Set([...newest.values()].filter((row) => row.value !== undefined));
  const parts = [text('key')];
  for (const row of visible) {
    if (row.main <= at.compact && keep.size > 0 && !keep.has(row)) continue;
    if (row.main === at.compact && row.value === undefined) continue;
    const { key, value } = pairOf(row);
    parts.push(key, value);
  }
  return slowCrc32c(parts);
}
