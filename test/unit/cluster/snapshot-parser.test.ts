import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SnapshotParser } from '../../../src/cluster/door/snapshot-parser.ts';
import type { SnapshotMessage } from '../../../src/cluster/port.ts';
import { frame, message, snapshotBody, varint } from './protobuf-bytes.ts';

/** Every whole message of the chunks, each blob in one piece. */
function parsed(chunks: readonly Uint8Array[]) {
  const parser = new SnapshotParser();
  const messages = chunks.flatMap((chunk) => {
    parser.push(chunk);
    return [...wholeOnes(parser)];
  });
  return { messages: messages.map(readable), unfinished: parser.unfinished };
}

function* wholeOnes(parser: SnapshotParser): Generator<SnapshotMessage> {
  for (let one = parser.next(); one !== undefined; one = parser.next()) yield one;
}

function readable({ remainingBytes, blob, blobBytes, version }: SnapshotMessage) {
  return { remainingBytes, blob: Buffer.concat(blob).toString('hex'), blobBytes, version };
}

const hex = (text: string) => Buffer.from(text).toString('hex');

describe('a stream of snapshot messages', () => {
  test('is read as etcd writes it: data, the last data, the digest', () => {
    const version = '3.6.0';
    const { messages, unfinished } = parsed([
      frame(snapshotBody({ remainingBytes: 2 ** 40, blob: Buffer.from('first'), version })),
      frame(snapshotBody({ blob: Buffer.from('last'), version })),
      frame(snapshotBody({ blob: Buffer.alloc(32, 7) })),
    ]);

    expect(messages).toEqual([
      { remainingBytes: 2 ** 40, blob: hex('first'), blobBytes: 5, version },
      { remainingBytes: 0, blob: hex('last'), blobBytes: 4, version },
      { remainingBytes: 0, blob: '07'.repeat(32), blobBytes: 32, version: undefined },
    ]);
    expect(unfinished).toBe(false);
  });

  test('is the same however the network cuts it', () => {
    const anyMessage = fc.record(
      {
        remainingBytes: fc.nat(),
        blob: fc.uint8Array({ maxLength: 300 }),
        version: fc.constantFrom('', '3.6.0', '3.10.12'),
      },
      { requiredKeys: [] },
    );
    const property = fc.property(
      fc.array(anyMessage, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1 }),
      (sent, sizes) => {
        const bytes = Buffer.concat(sent.map((each) => frame(snapshotBody(each))));
        const chunks: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] as number;
          // Empty chunks come as well.
          chunks.push(bytes.subarray(at, at + size), new Uint8Array());
          at += size;
        }

        const expected = sent.map(({ remainingBytes = 0, blob, version = '' }) => ({
          remainingBytes,
          blob: Buffer.from(blob ?? []).toString('hex'),
          blobBytes: blob?.length ?? 0,
          version: version === '' ? undefined : version,
        }));
        expect(parsed(chunks)).toEqual({ messages: expected, unfinished: false });
      },
    );

    fc.assert(property, { numRuns: 300 });
  });

  test('may have a header and fields that nobody knows yet', () => {
    const header = message([1, 0xcdf818194e3a8c32n]);
    const body = message([1, header], [2, 9n], [3, 'blob'], [4, '3.6.0'], [17, 'news'], [18, 5n]);

    expect(parsed([frame(body)]).messages).toEqual([
      { remainingBytes: 9, blob: hex('blob'), blobBytes: 4, version: '3.6.0' },
    ]);
  });

  test('hands a blob on without copying it', () => {
    const chunk = Uint8Array.from(frame(snapshotBody({ blob: Buffer.alloc(1000, 'x') })));
    const parser = new SnapshotParser();
    parser.push(chunk.subarray(0, 500));
    parser.push(chunk.subarray(500));

    const [piece, ...more] = parser.next()?.blob ?? [];

    expect([piece, ...more].map((each) => each?.buffer)).toEqual([chunk.buffer, chunk.buffer]);
  });

  test('is unfinished from the first byte of a message to its last', () => {
    const bytes = frame(snapshotBody({ remainingBytes: 1, blob: Buffer.from('x') }));

    const ends = Array.from(bytes, (_, at) => parsed([bytes.subarray(0, at + 1)]).unfinished);

    expect(ends).toEqual([...Array(bytes.length - 1).fill(true), false]);
    expect(parsed([]).unfinished).toBe(false);
  });
});

const tooLong = 4 * 1024 * 1024 + 1;

describe('what is no snapshot message', () => {
  test.each([
    ['compressed', frame(Buffer.from('x'), { compressed: 1 }), 'compressed'],
    ['a claim of more than 4 MiB', frame(Buffer.from('x'), { claim: tooLong }), `${tooLong}`],
    ['a size that never ends', frame(Buffer.alloc(12, 0x90).fill(0x10, 0, 1)), 'readable size'],
    [
      'a blob longer than its message',
      frame(Buffer.concat([varint(0x1an), varint(50n), Buffer.from('short')])),
      'longer than its message',
    ],
    [
      'a blob of more bytes than any number holds',
      frame(Buffer.concat([varint(0x1an), varint(2n ** 64n - 1n), Buffer.from('short')])),
      'longer than its message',
    ],
    [
      'rubbish behind the blob',
      frame(Buffer.concat([message([3, 'x']), Buffer.from([0xff])])),
      'the end of a message',
    ],
    ['rubbish alone', frame(Buffer.from([0xff, 0xff])), 'a message cannot be read'],
  ])('breaks the stream: %s', (_, bytes, reason) => {
    const act = () => parsed([bytes]);

    expect(act).toThrow(expect.objectContaining({ code: 'stream-broken', retryable: true }));
    expect(act).toThrow(reason);
  });

  test('breaks it before its bytes have come, so that it cannot fill the memory', () => {
    const prefix = frame(new Uint8Array(), { claim: 0xffff_ffff });

    expect(() => parsed([prefix])).toThrow('claims 4294967295 bytes');
  });

  test('does not lie in the length: 4 MiB are read', () => {
    const body = snapshotBody({ blob: Buffer.alloc(tooLong - 6) });

    const { messages } = parsed([frame(body)]);

    expect(body.length).toBe(tooLong - 1);
    expect(messages).toMatchObject([{ blobBytes: tooLong - 6 }]);
  });

  test('is not what any bytes turn into: they are read or they break the stream', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const outcome = outcomeOf(() => parsed([frame(bytes)]).messages);

      expect(['read', 'stream-broken']).toContain(outcome);
    });

    fc.assert(property, { numRuns: 2000 });
  });
});

function outcomeOf(read: () => unknown): unknown {
  try {
    read();
    return 'read';
  } catch (error) {
    return (error as { code?: string }).code;
  }
}
