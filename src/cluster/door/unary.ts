/** Calls through our own door that have one answer. */
import { Failure } from '../../core/errors.ts';
import { decodeFields, type ProtobufField } from '../../format/protobuf.ts';
import { callDoor, type DoorCall } from './call.ts';

/** Whom to call, and as whom. */
export type Caller = Pick<DoorCall, 'endpoint' | 'tls' | 'token' | 'signal'>;

/** gRPC's frame: one byte that tells of compression, four with the length. */
const prefixBytes = 5;

/** One message asked, one answered. */
export async function callOnce(call: DoorCall): Promise<ProtobufField[]> {
  return (await callWithin(call, Number.POSITIVE_INFINITY)) as ProtobufField[];
}

/** Undefined when the answer has more bytes than that: it is told before they come. */
export async function callWithin(
  call: DoorCall,
  mostBytes: number,
): Promise<ProtobufField[] | undefined> {
  const chunks: Uint8Array[] = [];
  let prefix = Buffer.alloc(0);
  for await (const batch of callDoor(call)) {
    chunks.push(...batch);
    if (prefix.byteLength < prefixBytes) prefix = Buffer.concat(chunks).subarray(0, prefixBytes);
    if (prefix.byteLength === prefixBytes && prefix.readUInt32BE(1) > mostBytes) return undefined;
  }
  const answer = Buffer.concat(chunks);
  const whole =
    answer.byteLength >= prefixBytes && answer.readUInt32BE(1) === answer.byteLength - prefixBytes;
  const fields = whole && answer[0] === 0 ? decodeFields(answer.subarray(prefixBytes)) : undefined;
  if (fields !== undefined) return fields;
  throw new Failure(
    'cluster-unreachable',
    `${call.endpoint}: the answer to ${call.method} is no etcd's`,
  );
}

/** The number in a field; 0 when it is not there. */
export function numberOf(fields: readonly ProtobufField[], number: number): bigint {
  return fields.findLast((field) => field.number === number)?.value ?? 0n;
}
