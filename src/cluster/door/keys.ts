/** Range and Txn through our own door, as etcdserverpb has them. */
import { clusterId, type Revision, revision } from '../../core/backup.ts';
import { Failure } from '../../core/errors.ts';
import { decodeFields, type ProtobufField } from '../../format/protobuf.ts';
import { bytesField, varintField } from '../../format/protobuf-write.ts';
import type { Applied, KeyChange, KeyPage, KeyRange, LiveKey } from '../keys-port.ts';
import { type Caller, callOnce, callWithin, numberOf } from './unary.ts';

export interface PageAsked extends KeyRange {
  /** The state to read; 0 for the newest. */
  readonly revision: bigint;
  /** At most so many keys. */
  readonly limit: number;
}

export interface PageAnswered extends KeyPage {
  /** Whether the range holds more behind the last key. */
  readonly more: boolean;
}

/** CompareTarget MOD. The result EQUAL is 0, which is what is meant where it is left out. */
const modTarget = 2n;

/**
 * RangeRequest: key 1, range_end 2, limit 3, revision 4. Undefined when the answer would have more
 * than `mostBytes`.
 */
export async function askPage(
  caller: Caller,
  asked: PageAsked,
  mostBytes: number,
): Promise<PageAnswered | undefined> {
  const method = '/etcdserverpb.KV/Range';
  const request = Buffer.concat([
    bytesField(1, asked.from),
    bytesField(2, asked.end),
    varintField(3, BigInt(asked.limit)),
    varintField(4, asked.revision),
  ]);
  const fields = await callWithin({ ...caller, method, request }, mostBytes);
  if (fields === undefined) return undefined;
  return {
    ...headerOf(fields, caller),
    keys: messagesOf(fields, 2, caller).map(keyOf),
    more: numberOf(fields, 3) === 1n,
  };
}

/** TxnRequest: compare 1, success 2, failure 3; TxnResponse: header 1, succeeded 2, responses 3. */
export async function askTransaction(
  caller: Caller,
  changes: readonly KeyChange[],
): Promise<Exclude<Applied, { outcome: 'too-large' }>> {
  const method = '/etcdserverpb.KV/Txn';
  const request = Buffer.concat([
    ...changes.map((change) => bytesField(1, compareOf(change))),
    ...changes.map((change) => bytesField(2, operationOf(change))),
    ...changes.map((change) => bytesField(3, lookOf(change))),
  ]);
  const fields = await callOnce({ ...caller, method, request });
  if (numberOf(fields, 2) === 1n) return { outcome: 'written' };
  // Each response holds a RangeResponse in field 1, and that the key, if there is one, in field 2.
  const found = messagesOf(fields, 3, caller).map((response) => {
    const [range] = messagesOf(response, 1, caller);
    const [key] = messagesOf(range ?? [], 2, caller);
    return numberOf(key ?? [], 3);
  });
  if (found.length === changes.length) return { outcome: 'conflict', found };
  throw strange(caller);
}

/** Compare: target 2, key 3, mod_revision 6. */
function compareOf({ key, expected }: KeyChange): Uint8Array {
  return Buffer.concat([varintField(2, modTarget), bytesField(3, key), varintField(6, expected)]);
}

/** RequestOp: request_put 2 {key 1, value 2}, request_delete_range 3 {key 1}. */
function operationOf({ key, value }: KeyChange): Uint8Array {
  if (value === null) return bytesField(3, bytesField(1, key));
  return bytesField(2, Buffer.concat([bytesField(1, key), bytesField(2, value)]));
}

/** RequestOp: request_range 1 {key 1, keys_only 8}. */
function lookOf({ key }: KeyChange): Uint8Array {
  return bytesField(1, Buffer.concat([bytesField(1, key), varintField(8, 1n)]));
}

/** ResponseHeader: cluster_id 1, revision 3. */
function headerOf(fields: readonly ProtobufField[], caller: Caller) {
  const [header] = messagesOf(fields, 1, caller);
  if (header === undefined) throw strange(caller);
  const newest: Revision = revision(numberOf(header, 3));
  return { clusterId: clusterId(numberOf(header, 1)), revision: newest };
}

/** KeyValue: key 1, mod_revision 3, value 5, lease 6. */
function keyOf(fields: readonly ProtobufField[]): LiveKey {
  const bytes = (number: number) => fields.findLast((field) => field.number === number)?.bytes;
  return {
    key: bytes(1) ?? new Uint8Array(),
    value: bytes(5) ?? new Uint8Array(),
    modRevision: numberOf(fields, 3),
    lease: BigInt.asIntN(64, numberOf(fields, 6)),
  };
}

function messagesOf(
  fields: readonly ProtobufField[],
  number: number,
  caller: Caller,
): ProtobufField[][] {
  return fields
    .filter((field) => field.number === number)
    .map(({ bytes }) => {
      const message = decodeFields(bytes);
      if (message === undefined) throw strange(caller);
      return message;
    });
}

function strange({ endpoint }: Caller): Failure {
  return new Failure('cluster-unreachable', `${endpoint}: the answer about keys is no etcd's`);
}
