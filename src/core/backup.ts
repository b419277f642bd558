/**
 * The words of the program as types. A snapshot is what etcd streams; a backup is a proved
 * snapshot kept in a store together with its manifest.
 */
import { Failure } from './errors.ts';

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** A revision of etcd's keyspace. Ordered and compared, so a bigint. */
export type Revision = Branded<bigint, 'revision'>;
/** 16 lower-case hex digits. An identity: never computed with. */
export type ClusterId = Branded<string, 'cluster-id'>;
/** 16 lower-case hex digits. An identity: never computed with. */
export type MemberId = Branded<string, 'member-id'>;
/** `20261120T154500Z-r00000000000055919`, with `-xxxx` behind it where two would collide. */
export type BackupId = Branded<string, 'backup-id'>;

/** In order of strength. Each proves something that the ones before it do not. */
export const proofNames = ['received', 'sound', 'agreed', 'stored', 'restored'] as const;
export type ProofName = (typeof proofNames)[number];

/** `inconclusive`: asked, but no two answers could be compared. `skipped`: not asked. */
export const proofOutcomes = ['passed', 'failed', 'inconclusive', 'skipped'] as const;
export type ProofOutcome = (typeof proofOutcomes)[number];

const largestRevision = 2n ** 63n - 1n;

/** A revision from etcd's int64, or from decimal text. Throws on anything else. */
export function revision(value: bigint | string): Revision {
  const parsed = typeof value === 'bigint' ? value : /^\d{1,19}$/.test(value) ? BigInt(value) : -1n;
  if (parsed < 0n || parsed > largestRevision) {
    throw new Failure('internal', `not a revision: ${value}`);
  }
  return parsed as Revision;
}

const hexDigits = 16;

function identity(value: bigint | string, what: string): string {
  const hex = typeof value === 'bigint' ? value.toString(16) : value.toLowerCase();
  if (!/^[0-9a-f]{1,16}$/.test(hex)) throw new Failure('internal', `not a ${what}: ${value}`);
  return hex.padStart(hexDigits, '0');
}

/** A cluster id from etcd's uint64, or from hex text (padded to 16 digits). */
export function clusterId(value: bigint | string): ClusterId {
  return identity(value, 'cluster id') as ClusterId;
}

/** A member id from etcd's uint64, or from hex text (padded to 16 digits). */
export function memberId(value: bigint | string): MemberId {
  return identity(value, 'member id') as MemberId;
}
