/** The calls that go through our own door: Snapshot, HashKV and the token that both need. */
import { type Revision, revision } from '../../core/backup.ts';
import { Failure } from '../../core/errors.ts';
import { textField, varintField } from '../../format/protobuf-write.ts';
import type { ContentHash, SnapshotMessage } from '../port.ts';
import { callDoor } from './call.ts';
import { SnapshotParser } from './snapshot-parser.ts';
import { type Caller, callOnce, numberOf } from './unary.ts';

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
  const request = varintField(1, at);
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
  const request = Buffer.concat([textField(1, user.username), textField(2, user.password)]);
  const call = { ...caller, token: undefined, method: '/etcdserverpb.Auth/Authenticate', request };
  const token = (await callOnce(call)).find(({ number }) => number === 2);
  return Buffer.from(token?.bytes ?? []).toString('utf8');
}
