/** Calls through our own door, read to their end. */
import { callDoor, type DoorCall } from '../../../src/cluster/door/call.ts';
import { failureOf } from './roads.ts';

export async function readAll(call: DoorCall): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const batch of callDoor(call)) chunks.push(...batch);
  return Buffer.concat(chunks);
}

/** What came before the end, and the end. */
export async function readUntilFailure(call: DoorCall) {
  const chunks: Uint8Array[] = [];
  const read = async () => {
    for await (const batch of callDoor(call)) chunks.push(...batch);
  };
  const failure = await failureOf(read());
  return { bytes: Buffer.concat(chunks), failure };
}
