import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeManifest, encodeManifest } from '../../../src/core/manifest-json.ts';
import { anyManifest } from './any-manifest.ts';
import { edited, failureOf, golden, type Json, placeOf, shapes } from './golden-manifest.ts';
import { sampleManifest } from './sample-manifest.ts';

describe('the manifest as JSON', () => {
  test('is what version 1 always was', () => {
    expect(encodeManifest(sampleManifest())).toBe(golden);
    expect(decodeManifest(golden, 'golden')).toEqual(sampleManifest());
  });

  test('ends with one newline and is the same whatever the order in memory', () => {
    const sample = sampleManifest();
    const turned = Object.fromEntries(Object.entries(sample).toReversed()) as typeof sample;

    expect(encodeManifest(turned)).toBe(golden);
    expect(golden).toMatch(/[^\n]\n$/);
  });

  test('comes back equal from any manifest', () => {
    fc.assert(
      fc.property(anyManifest, (manifest) => {
        const text = encodeManifest(manifest);
        expect(decodeManifest(text, 'any')).toEqual(manifest);
        expect(encodeManifest(decodeManifest(text, 'any'))).toBe(text);
      }),
    );
  });

  test('reads times without milliseconds, as people write them', () => {
    const text = edited((json) => Object.assign(json, { finishedAt: '2026-11-20T15:46:00Z' }));

    expect(decodeManifest(text, 'x').finishedAt).toEqual(new Date('2026-11-20T15:46:00Z'));
  });

  test('may have any set of proofs', () => {
    const sample = sampleManifest({ proofs: {} });

    expect(decodeManifest(encodeManifest(sample), 'x')).toEqual(sample);
  });
});

describe('keys of a newer program', () => {
  test.each(shapes(JSON.parse(golden)).map((path) => ({ at: path.join('.') || 'top', path })))(
    'survive a hold by this one: $at',
    ({ path }) => {
      const extra = { deep: [{ a: null }, 1.5, 'x'], ['__proto__']: 'odd' };
      const newer = edited((json) => Object.assign(placeOf(json, path), { zNewer: extra }));
      const before = decodeManifest(newer, 'x');

      const labels = { ...before.labels, seen: 'yes' };
      const after = JSON.parse(encodeManifest({ ...before, labels })) as Json;

      const expected = JSON.parse(newer) as Json;
      Object.assign(expected, { labels: { ...expected.labels, seen: 'yes' } });
      expect(after).toEqual(expected);
    },
  );

  test('go when the thing that they belong to is replaced', () => {
    const newer = edited((json) => Object.assign(placeOf(json, ['hold']), { by: 'somebody' }));
    const hold = { at: new Date('2026-11-21T00:00:00Z'), reason: 'another' };

    const after = encodeManifest({ ...decodeManifest(newer, 'x'), hold });

    expect(after).not.toContain('somebody');
  });

  test('keep a proof that this program does not know', () => {
    const audited = { at: 'some day', verdict: 7 };
    const newer = edited((json) => Object.assign(json.proofs as Json, { audited }));
    const before = decodeManifest(newer, 'x');

    const { stored, ...proofs } = before.proofs;
    const after = JSON.parse(encodeManifest({ ...before, proofs })) as Json;

    expect(stored?.outcome).toBe('passed');
    expect(Object.values(before.proofs)).toHaveLength(5);
    expect(after.proofs?.audited).toEqual(audited);
  });

  test('do not reach any prototype', () => {
    const newer = golden.replace('"format": 1,', '"format": 1, "__proto__": {"hold": null},');
    const labelled = newer.replace('"labels": {', '"labels": { "__proto__": "mine",');

    const manifest = decodeManifest(labelled, 'x');

    expect(Object.getPrototypeOf(manifest)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(manifest.labels)).toBe(Object.prototype);
    expect(Object.entries(manifest.labels)).toContainEqual(['__proto__', 'mine']);
    expect(encodeManifest(manifest)).toContain('"__proto__": "mine"');
    expect(Object.hasOwn({}, 'hold')).toBe(false);
  });

  test('may not be nested beyond reason', () => {
    const deep = `${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}`;

    const failure = failureOf(golden.replace('"format": 1,', `"format": 1, "odd": ${deep},`));

    expect(failure.message).toContain('odd is nested deeper than 32 levels');
  });
});
