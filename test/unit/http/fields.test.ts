/** What the document promises of a field, and what is read of it, are the same. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  clusterName,
  flag,
  line,
  readFields,
  storeName,
  wholeNumber,
} from '../../../src/http/fields.ts';
import { readRestoreBody, restoreBody } from '../../../src/http/restore-body.ts';

const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
const ajv = new Ajv2020({ strict: false });

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary', maxLength: 130 }),
  fc.constantFrom(
    '',
    ' ',
    '\n',
    'x'.repeat(100),
    'x'.repeat(101),
    '😀'.repeat(100),
    '\u0085',
    'a\u2028b',
  ),
  fc.stringMatching(/^[0-9a-f]{15,17}$/),
);
const value = fc.oneof(text, fc.boolean(), fc.integer(), fc.constant(null), fc.jsonValue());

describe(`a field (seed ${seed})`, () => {
  test.each([
    ['a store', storeName],
    ['a cluster', clusterName],
    ['a flag', flag('it is so')],
    ['a line', line(100, 'why')],
  ] as const)('reads %s as its schema says', (_what, field) => {
    const check = ajv.compile(field.schema as object);

    fc.assert(
      fc.property(value, (given) => {
        expect(field.read(given) !== undefined).toBe(check(given));
      }),
      { seed, numRuns: 2000 },
    );
  });

  test('reads a number from the text of a query as its schema says', () => {
    const field = wholeNumber(1000, 100);
    const check = ajv.compile(field.schema as object);
    const near = fc.oneof(fc.integer(), fc.integer({ min: -2, max: 1002 }), fc.double());

    fc.assert(
      fc.property(near, (given) => {
        const written = String(given);
        const isPlain = /^\d+$/.test(written);
        expect(field.read(written)).toBe(isPlain && check(given) ? given : undefined);
      }),
      { seed, numRuns: 2000 },
    );
  });
});

test('all that is wrong is told at once, with what the call takes', () => {
  const fields = { reason: line(10, 'why'), deep: flag('deep') };

  const read = readFields(fields, { deep: 'yes', other: 1, ['x'.repeat(99)]: 2 });

  expect(read).toMatchObject({ problem: { status: 400, code: 'bad-request' } });
  const { problem } = read as { problem: { detail: string; hint: string } };
  expect(problem.detail).toContain('reason: it is missing; deep: not true or false; "other"');
  expect(problem.detail.length).toBeLessThan(300);
  expect(problem.hint).toContain('The call takes reason, deep.');
});

test(`no restore is begun by a body that the document does not allow (seed ${seed})`, () => {
  const check = ajv.compile(restoreBody as object);
  const good: Record<string, fc.Arbitrary<unknown>> = {
    backup: fc.constantFrom('latest', '20261120T154500Z-r00000000000055919'),
    before: fc.constantFrom('2026-11-20T15:00:00Z', '2026-11-20T15:00+01:00'),
    store: fc.constantFrom('local', 'ä'),
    dataDir: fc.constantFrom('/var/lib/etcd', '/'),
    name: fc.constantFrom('m1', 'x'.repeat(255)),
    initialCluster: fc.constantFrom('m1=http://127.0.0.1:1', [
      { name: 'm1', peerUrls: ['https://10.0.0.1:2380'] },
    ]),
    initialClusterToken: fc.constant('prod-1'),
    bumpRevision: fc.constantFrom(1, 1_000_000_000, '1000000000'),
    clearAlarms: fc.boolean(),
    etcdVersion: fc.constantFrom('3.5.30', 'v3.6'),
    force: fc.boolean(),
    fallback: fc.boolean(),
    dryRun: fc.boolean(),
  };
  const keys = Object.fromEntries(
    Object.entries(good).map(([key, right]) => [
      key,
      fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: value }),
    ]),
  );
  const body = fc.record({ ...keys, junk: value }, { requiredKeys: [] });
  let taken = 0;

  fc.assert(
    fc.property(body, ({ junk, ...rest }) => {
      const given = junk === undefined || junk === null ? rest : { ...rest, junk };
      if ('problem' in readRestoreBody(given)) return;
      taken += 1;
      check(given);
      expect(check.errors ?? []).toEqual([]);
    }),
    { seed, numRuns: 5000 },
  );

  expect(taken).toBeGreaterThan(50);
});
