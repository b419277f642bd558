/** The calls that go through our own door: Snapshot, HashKV and the token that both need. */
import { type Revision, revision } from '../../core/backup.ts';
import { Failure } from '../../core/errors.ts';
import { decodeFields, type ProtobufField } from '../../format/protobuf.ts';
import type { ContentHash, SnapshotMessage } from '../port.ts';
import { callDoor, type DoorCall } from './call.ts';
import { SnapshotParser } from './snapshot-parser.ts';

/** Whom to call, and as whom. */
export type Caller = Pick<DoorCall, 'endpoint' | 'tls' | 'token' | 'signal'>;

export async function* streamSnapshot(caller: Caller): AsyncGenerator<SnapshotMessage> {
  const method = '/etcdserverpb.Maintenance/Snapshot';
  const parser = new SnapshotParser();
  for await (const batch of callDoor({ ...caller, method, request: new Uint8Array() })) {
    for (const chunk of batch) {
      parser.push(chunk);
      for (let message = parser.next(); message !== undefined; message = parser.next()) {
        yield message;
      }
    }
  }
  if (!parser.unfinished) return;
  throw new Failure('stream-broken', `${caller.endpoint}: the stream ended inside a message`);
}

/** Fields of HashKVResponse: hash 2, compact_revision 3 (-1: never compacted). */
export async function askHashKv(caller: Caller, at: Revision): Promise<ContentHash> {
  const request = Buffer.from([0x08, ...varint(at)]);
  const fields = await callOnce({ ...caller, method: '/etcdserverpb.Maintenance/HashKV', request });
  const compact = BigInt.asIntN(64, numberOf(fields, 3));
  return {
    hash: Number(numberOf(fields, 2)),
    compactRevision: compact < 0n ? undefined : revision(compact),
  };
}

/** AuthenticateRequest: name 1, password 2; AuthenticateResponse: token 2. */
export async function askToken(
  caller: Omit<Caller, 'token'>,
  user: { readonly username: string; readonly password: string },
): Promise<string> {
  const request = Buffer.concat([text(1, user.username), text(2, user.password)]);
  const call = { ...caller, token: undefined, method: '/etcdserverpb.Auth/Authenticate', request };
  const token = (await callOnce(call)).find(({ number }) => number === 2);
  return Buffer.from(token?.bytes ?? []).toString('utf8');
}

/** One message asked, one answered. */
async function callOnce(call: DoorCall): Promise<ProtobufField[]> {
  const chunks: Uint8Array[] = [];
  for await (const batch of callDoor(call)) chunks.push(...batch);
  const answer = Buffer.concat(chunks);
  const whole = answer.byteLength >= 5 && answer.readUInt32BE(1) === answer.byteLength - 5;
  const fields = whole && answer[0] === 0 ? decodeFields(answer.subarray(5)) : undefined;
  if (fields !== undefined) return fields;
  throw new Failure(
    'cluster-unreachable',
    `${call.endpoint}: the answer to ${call.method} is no etcd`,
  );
}

function numberOf(fields: readonly ProtobufField[], number: number): bigint {
  return fields.findLast((field) => field.number === number)?.value ?? 0n;
}

function text(field: number, value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(BigInt(bytes.length))]), bytes]);
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  return [...bytes, Number(left)];
}
