/**
 * The identity of a cluster that begins anew: etcd derives the ids of members and cluster from the
 * peer URLs and the token, so every host computes the same ones.
 */
import { createHash } from 'node:crypto';
import { Failure } from '../core/errors.ts';

export interface NewMember {
  /** uint64 */
  readonly id: bigint;
  readonly name: string;
  /** Sorted as text. */
  readonly peerUrls: readonly string[];
}

export interface NewCluster {
  /** uint64 */
  readonly id: bigint;
  /** In the order of their ids. */
  readonly members: readonly NewMember[];
}

/**
 * Throws `usage` when there is no member, or two have one name, one URL or one id. The ids are the
 * first 8 bytes of SHA-1: of the member's sorted URLs and the token; of all member ids in order.
 */
export function newCluster(
  members: readonly { readonly name: string; readonly peerUrls: readonly string[] }[],
  token: string,
): NewCluster {
  const planned = members
    .map(({ name, peerUrls }) => {
      const sorted = peerUrls.toSorted(byCodePoints);
      return { id: firstBytes(Buffer.from(sorted.join('') + token)), name, peerUrls: sorted };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (planned.length === 0) throw new Failure('usage', 'a cluster needs at least one member');
  requireUnique(
    'name',
    planned.map(({ name }) => name),
  );
  requireUnique(
    'peer URL',
    planned.flatMap(({ peerUrls }) => peerUrls),
  );
  requireUnique(
    'id',
    planned.map(({ id }) => id.toString(16)),
  );
  return {
    id: firstBytes(Buffer.concat(planned.map(({ id }) => bigEndian(id)))),
    members: planned,
  };
}

/** As etcd keeps a member, in its bucket and in the log. Go writes `<`, `>` and `&` escaped. */
export function memberJson({ id, name, peerUrls }: NewMember): Uint8Array {
  const text = `{"id":${id},"peerURLs":${goJson(peerUrls)},"name":${goJson(name)}}`;
  return Buffer.from(text, 'utf8');
}

/** JSON as Go's encoder writes it. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escaped);
}

export function bigEndian(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  return bytes;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function firstBytes(content: Uint8Array): bigint {
  return createHash('sha1').update(content).digest().readBigUInt64BE();
}

function byCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function requireUnique(what: string, values: readonly string[]): void {
  const twice = values.find((value, at) => values.indexOf(value) !== at);
  if (twice !== undefined) throw new Failure('usage', `two members have the ${what} ${twice}`);
}
