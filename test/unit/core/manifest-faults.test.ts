import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeManifest,
  encodeManifest,
  manifestLimitBytes,
} from '../../../src/core/manifest-json.ts';
import { edited, failureOf, golden, type Json, leaves, placeOf } from './golden-manifest.ts';

describe('what is no manifest', () => {
  test.each(leaves(JSON.parse(golden)).map((path) => ({ at: path.join('.'), path })))(
    'is told by its place: $at',
    ({ path }) => {
      const key = path.at(-1) ?? '';
      const broken = edited((json) => {
        Object.assign(placeOf(json, path.slice(0, -1)), { [key]: ['wrong'] });
      });

      const failure = failureOf(broken);

      const place = path
        .map((part) =>
          /^\d+$/.test(part) ? `[${part}]` : /^[\w-]+$/.test(part) ? `.${part}` : `."${part}"`,
        )
        .join('')
        .slice(1);
      expect(failure.code).toBe('manifest-invalid');
      expect(failure.message).toContain(`manifest x: ${place} is a list, expected `);
    },
  );

  test.each(Object.keys(JSON.parse(golden) as Json))('is told when %s is missing', (key) => {
    const failure = failureOf(edited((json) => delete json[key]));

    expect(failure).toMatchObject({
      code: 'manifest-invalid',
      message: `manifest x: ${key} is missing`,
    });
  });

  const wrongValues: readonly [string, unknown][] = [
    ['revision', 55919],
    ['revision', '055919'],
    ['revision', '-1'],
    ['revision', '9223372036854775808'],
    ['revision', '0x10'],
    ['revision', ''],
    ['compactRevision', '1.5'],
    ['statusHash', 2 ** 32],
    ['statusHash', -1],
    ['keys', 1.5],
    ['keys', 2 ** 53],
    ['keys', '12'],
    ['finishedAt', '2026-11-20T15:45:00'],
    ['finishedAt', '2026-11-20T15:45:00+01:00'],
    ['finishedAt', '2026-02-30T00:00:00Z'],
    ['finishedAt', '2026-11-20T24:00:00Z'],
    ['finishedAt', '2026-13-01T00:00:00Z'],
    ['finishedAt', 1_795_000_000_000],
    ['slot', 'now'],
    ['id', '20261120T154500Z'],
    ['id', '../20261120T154500Z-r00000000000055919'],
    ['host', null],
    ['steps', { drain: -1 }],
    ['steps', { drain: '1' }],
    ['labels', { site: 1 }],
    ['labels', ['site']],
    ['cluster', { id: 'CDF818194E3A8C32', name: 'x' }],
    ['cluster', { id: 'cdf8', name: 'x' }],
    ['raw', { sizeBytes: 1, sha256: 'A'.repeat(64) }],
    ['raw', { sizeBytes: 1, sha256: 'a'.repeat(63) }],
    ['hold', {}],
    ['hold', true],
    ['proofs', { stored: { at: '2026-11-20T15:45:00Z', outcome: 'fine', evidence: {} } }],
    ['proofs', { stored: null }],
    ['format', 0],
    ['format', '1'],
    ['format', 0.5],
  ];
  test.each(wrongValues)('is told for %s: %j', (key, value) => {
    const failure = failureOf(edited((json) => Object.assign(json, { [key]: value })));

    expect(failure.code).toBe('manifest-invalid');
    expect(failure.message).toContain(key);
  });

  test('has all of its problems told at once', () => {
    const failure = failureOf(
      edited((json) => {
        Object.assign(json, { keys: -1, host: 7, labels: { a: 1 } });
        delete json.raw;
        delete (json.source as Json).role;
      }),
    );

    expect(
      failure.message.split('; ').map((problem) => problem.replace('manifest x: ', '')),
    ).toEqual([
      'source.role is missing',
      'keys is -1, expected a whole number from 0 to 2^53-1',
      'raw is missing',
      'host is 7, expected text',
      'labels.a is 1, expected text',
    ]);
  });

  test('does not fill the log', () => {
    const labels = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`l${at}`, at]));

    const failure = failureOf(
      edited((json) => Object.assign(json, { labels, host: 'x'.repeat(9) })),
    );

    expect(failure.message).toContain('and 4980 more');
    expect(failure.message.length).toBeLessThan(2000);
  });

  test('is one of a newer format, and the message says so and nothing else', () => {
    const failure = failureOf('{"format":2,"everything":"else differs"}');

    expect(failure.message).toBe('manifest x: format 2 is newer than 1, the newest known here');
    expect(failure.hint).toContain('newer etcd-backupd');
  });

  test('is one whose id does not fit its time and revision', () => {
    const failure = failureOf(edited((json) => Object.assign(json, { revision: '55920' })));

    expect(failure.message).toContain('but startedAt and revision make');
  });

  test.each(['', '{', 'null', '[]', '7', '"text"', `${golden}${golden}`, '\uFEFF{}'])(
    'is %j',
    (text) => {
      expect(failureOf(text).code).toBe('manifest-invalid');
    },
  );

  test('is larger than any manifest', () => {
    const failure = failureOf(golden + ' '.repeat(manifestLimitBytes));

    expect(failure.message).toContain('larger than 4 MiB');
  });

  test('never breaks the decoder, whatever JSON it is', () => {
    const sample = JSON.parse(golden) as Json;
    const keys = Object.keys(sample);
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, value) => {
        const text = JSON.stringify({ ...sample, [key]: value });
        try {
          const manifest = decodeManifest(text, 'any');
          expect(encodeManifest(decodeManifest(encodeManifest(manifest), 'again'))).toBe(
            encodeManifest(manifest),
          );
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'manifest-invalid' });
        }
      }),
      { numRuns: 500 },
    );
  });
});
