import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFields, decodeVarint } from '../../../src/format/protobuf.ts';
import { keyValue, varint } from './history.ts';

test('a varint of 64 bits comes back, and says where it ends', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      const bytes = varint(value);
      expect(decodeVarint(Buffer.concat([bytes, bytes]), 0)).toEqual({
        value,
        endsAt: bytes.length,
      });
    }),
  );
});

test('fields come back in their order', () => {
  const fields = decodeFields(
    keyValue([
      [1, 'key'],
      [6, 2n ** 63n],
      [5, 'value'],
    ]),
  );

  expect(
    fields?.map(({ number, value, bytes }) => [number, value, String(Buffer.from(bytes))]),
  ).toEqual([
    [1, 0n, 'key'],
    [6, 2n ** 63n, ''],
    [5, 0n, 'value'],
  ]);
});

test.each([
  ['a varint without an end', 'ff'],
  ['a varint of eleven bytes', '08ffffffffffffffffffff01'],
  ['a length beyond the message', '0a05616263'],
  ['a length of 64 bits', '0affffffffffffffffff01'],
  ['a missing value', '08'],
  ['the field number 0', '0001'],
  ['a group', '0b'],
  ['a cut fixed number', '0901'],
])('%s is no message', (_, hex) => {
  expect(decodeFields(Buffer.from(hex, 'hex'))).toBeUndefined();
});

test('any bytes end in fields or in nothing, never in an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      for (const field of decodeFields(bytes) ?? []) expect(field.number).toBeGreaterThan(0);
    }),
  );
});
