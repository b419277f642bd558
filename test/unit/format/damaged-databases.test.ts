/** Damage of every kind ends in one way: `snapshot-corrupt`, with the page and the reason. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import { memorySource } from '../../support/bbolt.ts';
import { damages, type Edit, element, listed, rows, sound } from './damages.ts';
import { type MadeDatabase, makeDatabase } from './made-file.ts';
import { viewOf } from './made-pages.ts';
import { bucketsOf, type MadeRow, pairOf, text } from './slow-hashes.ts';

function damage(made: MadeDatabase, edit: (edit: Edit) => void): Failure {
  const bytes = made.bytes.slice();
  edit({ bytes, view: viewOf(bytes), at: (page) => page * made.pageSize });
  return failureOf(bytes);
}

function failureOf(bytes: Uint8Array): Failure {
  try {
    inspectSnapshot(memorySource(bytes));
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Failure);
    expect((thrown as Failure).code).toBe('snapshot-corrupt');
    return thrown as Failure;
  }
  throw new Error('no fault was found');
}

describe('refused', () => {
  test.each(damages)('%s', (_name, reason, edit) => {
    expect(damage(sound, edit).message).toMatch(reason);
  });

  test('a page that is not the one its place says, wherever it is', () => {
    for (const page of [...sound.keyLeaves, sound.keyRoot, sound.rootPage]) {
      const edit = ({ view, at }: Edit) => view.setBigUint64(at(page), 2n, true);
      expect(damage(sound, edit).message).toBe(`page ${page}: calls itself page 2`);
    }
  });

  test('rows in a wrong order, each sound in itself', () => {
    for (const [from, to] of [
      [20, 21],
      [40, 42],
    ] as const) {
      const swapped = rows.with(from, rows[to] as MadeRow).with(to, rows[from] as MadeRow);
      const { bytes } = makeDatabase({ buckets: bucketsOf(swapped), pageSize: 65_536 });
      expect(failureOf(bytes).message).toMatch(/element \d+ is out of order/);
    }
    const repeated = rows.with(21, rows[20] as MadeRow);
    const { bytes } = makeDatabase({ buckets: bucketsOf(repeated), pageSize: 65_536 });
    expect(failureOf(bytes).message).toContain('element 21 repeats the key before it');
  });

  test('every cut of a file', () => {
    for (let length = 0; length < sound.bytes.length; length += 512) {
      expect(failureOf(sound.bytes.subarray(0, length)).message).toMatch(/cut|empty|neither meta/);
    }
    expect(failureOf(sound.bytes.subarray(0, 5000)).message).toContain('neither a database');
  });

  test('a plain pair among the buckets, and a bucket in a bucket', () => {
    expect(
      damage(sound, ({ view, at }) => view.setUint32(element(at(sound.rootPage), 0), 0, true))
        .message,
    ).toContain('"key" is no bucket');
  });

  test('a value that covers those behind it', () => {
    const pairs = ['a', 'b'].map((name) => ({ key: text(name), value: text('value') }));
    const { bytes } = makeDatabase({ buckets: [{ name: 'authUsers', pairs }] });
    // The only bucket lies on the first page behind the metas.
    viewOf(bytes).setUint32(element(2 * 4096, 0) + 12, 4096 - 16 - 32 - 1, true);
    expect(failureOf(bytes).message).toBe('page 2: element 1 overlaps another');
  });

  test.each([
    ['members', 'xyz', '{}', 'has no member id'],
    ['members', '1', 'null', 'is no member'],
    ['members', '2', '{"id":3}', 'calls itself 3'],
    ['meta', 'term', 'short', 'has 5 bytes instead of 8'],
    ['meta', 'finishedCompactRev', 'x', 'is no revision'],
    ['lease', '12345678', '\xff', 'is no lease'],
    ['cluster', 'downgrade', '[]', 'is no downgrade state'],
  ])('%s: %s = %s', (name, key, value, reason) => {
    const pairs = [{ key: text(key), value: Buffer.from(value, 'latin1') }];
    const buckets = [
      { name: 'key', pairs: rows.map(pairOf) },
      { name, pairs, inline: true },
    ];
    expect(failureOf(makeDatabase({ buckets }).bytes).message).toContain(reason);
  });
});

describe('a stored free list', () => {
  const page = listed.freelistPage as number;
  const firstFree = page * 4096 + 16;

  test.each([
    ['leaves out a page', 'is neither reachable nor free', 10, 1],
    ['has no room for its count', `page ${page}: has no room for 60000 free pages`, 10, 60_000],
  ])('%s', (_name, reason, offset, value) => {
    const edit = ({ view, at }: Edit) => view.setUint16(at(page) + offset, value, true);
    expect(damage(listed, edit).message).toContain(reason);
  });

  test.each([
    ['lists a page in use', 'is reachable and free', BigInt(listed.rootPage)],
    ['lists itself', 'is reachable and free', BigInt(page)],
    ['lists a page that does not exist', 'which does not exist', 2n ** 40n],
  ])('%s', (_name, reason, value) => {
    const edit = ({ view }: Edit) => view.setBigUint64(firstFree, value, true);
    expect(damage(listed, edit).message).toContain(reason);
  });

  test('frees a page twice', () => {
    const edit = ({ view }: Edit) =>
      view.setBigUint64(firstFree + 8, view.getBigUint64(firstFree, true), true);
    expect(damage(listed, edit).message).toContain('is freed twice');
  });
});
