import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { SnapshotStreamRules } from '../../../src/format/stream-rules.ts';

/** [remaining bytes, bytes of the blob] per message. */
type Messages = readonly (readonly [number, number])[];

const data: Messages = [
  [49_152, 32_768],
  [16_384, 32_768],
  [0, 16_384],
];
const whole: Messages = [...data, [0, 32]];

function run(messages: Messages): SnapshotStreamRules {
  const rules = new SnapshotStreamRules();
  for (const [remainingBytes, blobBytes] of messages) rules.accept({ remainingBytes, blobBytes });
  return rules;
}

test('a whole stream is accepted, and its layout is known', () => {
  const rules = new SnapshotStreamRules();

  const kinds = whole.map(([remainingBytes, blobBytes]) =>
    rules.accept({ remainingBytes, blobBytes }),
  );

  expect(kinds).toEqual(['data', 'data', 'data', 'trailer']);
  expect(rules.end()).toEqual({ databaseBytes: 81_920, sizeBytes: 81_952 });
  expect(rules.databaseBytes).toBe(81_920);
  expect(rules.receivedBytes).toBe(81_952);
});

test('the size is known from the first message, also above 4 GiB', () => {
  const rules = run([[2 ** 33, 32_768]]);

  expect(rules.databaseBytes).toBe(2 ** 33 + 32_768);
});

describe('a stream is broken', () => {
  test.each<[string, Messages, string]>([
    ['when it announces nothing', [[0, 0]], 'message 1 announces an empty database'],
    ['when no database is so long', [[0, 1000]], 'announces 1000 bytes, which no bbolt'],
    ['when a count is no number', [[Number.NaN, 512]], 'says that NaN bytes remain'],
    ['when a count is negative', [[-512, 1024]], 'says that -512 bytes remain'],
    ['when a count is beyond every file', [[2 ** 53, 512]], 'bytes remain after 512'],
    ['when a message is empty', [data[0]!, [49_152, 0]], 'brings no bytes while 49152 remain'],
    [
      'when a blob was lost',
      [data[0]!, data[2]!],
      'message 2 says that 0 bytes remain where 32768',
    ],
    ['when a blob comes twice', [data[0]!, data[0]!], 'says that 49152 bytes remain where 16384'],
    ['when it sends too much', [data[0]!, [0, 50_000]], 'reaches 848 bytes past the announced'],
    ['when the digest is short', [...data, [0, 31]], 'has 31 bytes where the SHA-256'],
    ['when the digest is empty', [...data, [0, 0]], 'has 0 bytes where the SHA-256'],
    ['when something remains after the end', [...data, [5, 32]], '5 bytes remain after the last'],
    ['when something follows the digest', [...whole, [0, 32]], 'message 5 comes after the SHA-256'],
  ])('%s', (_, messages, reason) => {
    const act = () => run(messages);

    expect(act).toThrow(Failure);
    expect(act).toThrow(expect.objectContaining({ code: 'stream-broken' }));
    expect(act).toThrow(reason);
  });

  test.each<[string, Messages, string]>([
    ['without a message', [], 'ended without a message'],
    ['inside the database', data.slice(0, 2), 'the stream ended at byte 65536 of 81920'],
    ['without the digest', data, 'ended without the SHA-256'],
  ])('when it ends %s', (_, messages, reason) => {
    const rules = run(messages);

    expect(() => rules.end()).toThrow(expect.objectContaining({ code: 'stream-broken' }));
    expect(() => rules.end()).toThrow(reason);
  });
});
