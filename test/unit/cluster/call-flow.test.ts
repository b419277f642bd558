/** How much a call takes in while nobody reads it. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { callDoor } from '../../../src/cluster/door/call.ts';
import { type GrpcCall, startGrpcServer } from './grpc-server.ts';
import { doorCall } from './roads.ts';

const mebibyte = 1024 * 1024;
const queueLimitBytes = mebibyte;
const windowBytes = 2 * mebibyte;
/** Chunks come as large as a socket read. */
const chunkBytes = 64 * 1024;
const totalBytes = 32 * mebibyte;

/** Sends `totalBytes` as fast as they are taken. */
class Flood {
  written = 0;
  ended = false;
  #call: GrpcCall | undefined;

  readonly script = async (call: GrpcCall): Promise<void> => {
    this.#call = call;
    call.send();
    const piece = Buffer.alloc(chunkBytes, 'x');
    for (; this.written < totalBytes; this.written += piece.length) {
      if (!call.stream.write(piece)) await once(call.stream, 'drain');
    }
    this.ended = true;
    call.end();
  };

  /** What has left the server for the client. */
  get sent(): number {
    return this.written - (this.#call?.stream.writableLength ?? 0);
  }

  /** That nothing more comes has no event: it is looked for until it has lasted. */
  async untilStill(): Promise<void> {
    for (let quiet = 0, before = -1; quiet < 8 && !this.ended; ) {
      quiet = this.sent === before ? quiet + 1 : 0;
      before = this.sent;
      await sleep(25);
    }
  }
}

function lengthOf(batch: readonly Uint8Array[] | undefined): number {
  return batch?.reduce((sum, chunk) => sum + chunk.byteLength, 0) ?? 0;
}

describe('an answer that nobody reads', () => {
  test('stands still when the queue and the window are full, and goes on when it is read', async () => {
    const flood = new Flood();
    await using server = await startGrpcServer(flood.script);
    const batches = callDoor(doorCall(server.url));
    const first = lengthOf((await batches.next()).value ?? undefined);

    await flood.untilStill();
    const heldBack = flood.sent - first;
    const queued = lengthOf((await batches.next()).value ?? undefined);
    let rest = 0;
    for await (const batch of batches) rest += lengthOf(batch);

    expect(queued).toBeGreaterThan(queueLimitBytes - chunkBytes);
    expect(queued).toBeLessThanOrEqual(queueLimitBytes + chunkBytes);
    expect(heldBack).toBeLessThanOrEqual(queueLimitBytes + windowBytes + 2 * chunkBytes);
    expect(first + queued + rest).toBe(totalBytes);
  });

  test('is still canceled at once', async () => {
    const flood = new Flood();
    await using server = await startGrpcServer(flood.script);
    const batches = callDoor(doorCall(server.url));
    await batches.next();
    await flood.untilStill();

    await batches.return();

    await server.untilQuiet();
    expect(flood.ended).toBe(false);
  });
});
