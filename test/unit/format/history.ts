/**
 * Made-up histories of etcd's keyspace, and the hashes and counts of them by the shortest code that
 * can be right: the reference for everything that is computed from a file.
 */
import type { TestPair } from '../../support/bbolt.ts';

export type Change =
  | { readonly put: string; readonly value: string; readonly lease?: bigint }
  | { readonly remove: string };

export interface HistoryRow {
  readonly main: bigint;
  readonly sub: bigint;
  readonly userKey: string;
  readonly tombstone: boolean;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Each transaction is one revision, from 2 on, and each change in it one sub. */
export function historyOf(transactions: readonly (readonly Change[])[]): HistoryRow[] {
  const live = new Map<string, { create: bigint; version: bigint }>();
  return transactions.flatMap((changes, at) => {
    const main = BigInt(at + 2);
    return changes.map((change, sub) => {
      if ('remove' in change) {
        live.delete(change.remove);
        return row(main, BigInt(sub), change.remove, keyValue([[1, change.remove]]), true);
      }
      const before = live.get(change.put);
      const create = before?.create ?? main;
      const version = (before?.version ?? 0n) + 1n;
      live.set(change.put, { create, version });
      const fields: [number, string | bigint][] = [
        [1, change.put],
        [2, create],
        [3, main],
      ];
      fields.push([4, version], [5, change.value], [6, change.lease ?? 0n]);
      return row(main, BigInt(sub), change.put, keyValue(fields), false);
    });
  });
}

function row(main: bigint, sub: bigint, userKey: string, value: Buffer, tombstone: boolean) {
  return { main, sub, userKey, tombstone, key: revisionKey(main, sub, tombstone), value };
}

export function revisionKey(main: bigint, sub: bigint, tombstone = false): Buffer {
  const key = Buffer.alloc(tombstone ? 18 : 17);
  key.writeBigUInt64BE(main, 0);
  key[8] = 0x5f;
  key.writeBigUInt64BE(sub, 9);
  if (tombstone) key[17] = 0x74;
  return key;
}

/** Empty and zero fields are left out, as etcd does. */
export function keyValue(fields: readonly (readonly [number, string | bigint | Buffer])[]): Buffer {
  const parts = fields.map(([number, value]) => {
    if (typeof value === 'bigint') {
      return value === 0n ? Buffer.alloc(0) : Buffer.concat([tag(number, 0), varint(value)]);
    }
    const bytes = Buffer.from(value);
    if (bytes.length === 0) return bytes;
    return Buffer.concat([tag(number, 2), varint(BigInt(bytes.length)), bytes]);
  });
  return Buffer.concat(parts);
}

function tag(number: number, wireType: number): Buffer {
  return varint(BigInt(number * 8 + wireType));
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

export function pairsOf(rows: readonly HistoryRow[]): TestPair[] {
  return rows.map((one) => [one.key, one.value]);
}

/** What stays in the file after a finished compaction at `revision`. */
export function compact(rows: readonly HistoryRow[], revision: bigint): HistoryRow[] {
  const newest = newestAt(rows, revision);
  return rows.filter(
    (one) =>
      one.main > revision ||
      (newest.get(one.userKey) === one && (!one.tombstone || one.main === revision)),
  );
}

export function liveKeys(rows: readonly HistoryRow[]): number {
  return [...newestAt(rows, 2n ** 63n).values()].filter((one) => !one.tombstone).length;
}

/** etcd's HashKV, word for word as it is defined. */
export function hashKvOf(
  rows: readonly HistoryRow[],
  revision: bigint,
  compactRevision: bigint | null,
): number {
  const compacted = compactRevision ?? -1n;
  const newest = newestAt(rows, revision);
  const keep = new Set([...newest.values()].filter((one) => !one.tombstone));
  const hashed = rows.filter((one) => {
    if (one.main > revision) return false;
    if (one.main <= compacted && keep.size > 0 && !keep.has(one)) return false;
    return !(one.main === compacted && one.tombstone);
  });
  return crc32cOf([Buffer.from('key'), ...hashed.flatMap((one) => [one.key, one.value])]);
}

/** The hash of `snapshot status`. */
export function statusHashOf(buckets: Readonly<Record<string, readonly TestPair[]>>): number {
  const names = Object.keys(buckets).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const parts = names.flatMap((name) => [name, ...(buckets[name] ?? []).flat()]);
  return crc32cOf(parts.map((part) => Buffer.from(part)));
}

function newestAt(rows: readonly HistoryRow[], revision: bigint): Map<string, HistoryRow> {
  const newest = new Map<string, HistoryRow>();
  for (const one of rows) if (one.main <= revision) newest.set(one.userKey, one);
  return newest;
}

/** Bit by bit: slow, and nothing to get wrong. */
export function crc32cOf(parts: readonly Uint8Array[]): number {
  let sum = 0xffff_ffff;
  for (const part of parts) {
    for (const byte of part) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f6_3b78 : 0);
    }
  }
  return (sum ^ 0xffff_ffff) >>> 0;
}
