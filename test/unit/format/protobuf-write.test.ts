import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFields } from '../../../src/format/protobuf.ts';
import { bytesField, textField, varintField } from '../../../src/format/protobuf-write.ts';

test.each([
  [varintField(1, 0n), '0800'],
  [varintField(1, 127n), '087f'],
  [varintField(2, 128n), '108001'],
  [varintField(1, 2n ** 64n - 1n), '08ffffffffffffffffff01'],
  [varintField(1, -1n), '08ffffffffffffffffff01'],
  [varintField(16, 1n), '800101'],
  [bytesField(3, new Uint8Array(0)), '1a00'],
  [bytesField(3, Buffer.alloc(128, 0xab)), `1a8001${'ab'.repeat(128)}`],
  [textField(1, 'é'), '0a02c3a9'],
])('a field is written as etcd writes it: %#', (written, hex) => {
  expect(Buffer.from(written).toString('hex')).toBe(hex);
});

test('any fields read back as what was written', () => {
  const number = fc.integer({ min: 1, max: 2 ** 28 - 1 });
  const varint = fc.tuple(number, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
  const bytes = fc.tuple(number, fc.uint8Array({ maxLength: 400 }));
  fc.assert(
    fc.property(fc.array(fc.oneof(varint, bytes)), (fields) => {
      const written = fields.map(([at, value]) =>
        typeof value === 'bigint' ? varintField(at, value) : bytesField(at, value),
      );

      const read = decodeFields(Buffer.concat(written))?.map((field) => {
        return [field.number, field.value, Buffer.from(field.bytes).toString('hex')];
      });

      expect(read).toEqual(
        fields.map(([at, value]) =>
          typeof value === 'bigint'
            ? [at, value, '']
            : [at, 0n, Buffer.from(value).toString('hex')],
        ),
      );
    }),
  );
});
