import { sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../../src/core/manifest.ts';
import {
  macFault,
  manifestCore,
  signatureFault,
  vouchedFor,
} from '../../../src/core/manifest-core.ts';
import { decodeManifest, encodeManifest } from '../../../src/core/manifest-json.ts';
import { keyPair } from '../../support/signing.ts';
import { anyManifest } from './any-manifest.ts';
import { failureOf, golden, type Json, leaves, placeOf, shapes } from './golden-manifest.ts';
import { sampleManifest } from './sample-manifest.ts';

const mine = keyPair();
const other = keyPair();
const macKey = Buffer.alloc(32, 7);
const signed = vouchedFor(sampleManifest(), { signer: mine.secret, macKey });
const signedJson = JSON.parse(encodeManifest(signed)) as Json;

const told = (manifest: Manifest, keys = [mine]) =>
  signatureFault(
    manifest,
    keys.map(({ trusted }) => trusted),
  );

/** The signed manifest as somebody edited its file. */
function tampered(edit: (json: Json) => void): Manifest {
  const json = structuredClone(signedJson);
  edit(json);
  return decodeManifest(JSON.stringify(json), 'tampered');
}

/** Another value that the format takes in the same place. */
function otherThan(value: unknown): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value === 1 ? 2 : 1;
  const text = String(value);
  if (/^\d{4}-\d\d-\d\dT/.test(text)) return text.replace('2026', '2025');
  const words: Record<string, string> = { zstd: 'gzip', follower: 'leader', passed: 'skipped' };
  if (words[text] !== undefined) return words[text];
  if (text === 'inconclusive' || text === 'skipped') return 'failed';
  if (/^[0-9a-f]+$/.test(text)) return text.replace(/.$/, (last) => (last === '1' ? '2' : '1'));
  return `${text}x`;
}

/** Some values have to fit each other; alone they are not even read. */
const bound = ['format', 'id', 'revision', 'startedAt', 'sealed.encryption.scheme'];
const isLater = ([first = '', second = '']: readonly string[]): boolean =>
  ['authentication', 'finishedAt', 'hold', 'labels'].includes(first) ||
  (first === 'proofs' && ['stored', 'restored'].includes(second));
const all = leaves(JSON.parse(golden)).map((path) => ({ at: path.join('.'), path }));
const core = all.filter(({ path, at }) => !isLater(path) && !bound.includes(at));
const later = all.filter(({ path }) => isLater(path));

describe('a manifest that somebody vouches for', () => {
  test('is found right with the key, also after it was read again', () => {
    const again = decodeManifest(encodeManifest(signed), 'x');

    expect(told(again)).toBeUndefined();
    expect(macFault(again, macKey)).toBeUndefined();
    expect(encodeManifest(again)).toBe(encodeManifest(signed));
  });

  test('is found right whatever is in it', () => {
    fc.assert(
      fc.property(anyManifest, (manifest) => {
        const made = vouchedFor(manifest, { signer: mine.secret, macKey });
        const read = decodeManifest(encodeManifest(made), 'any');
        expect(told(read)).toBeUndefined();
        expect(macFault(read, macKey)).toBeUndefined();
      }),
    );
  });

  test('is as it was where nobody does', () => {
    const plain = vouchedFor(sampleManifest(), { signer: null, macKey: null });

    expect(encodeManifest(plain)).toBe(golden);
    expect(told(plain)).toBe('is not signed');
    expect(macFault(plain, macKey)).toBe('has no MAC, though its data is encrypted');
  });

  test('has a signature without a MAC, and the other way round', () => {
    const onlySigned = vouchedFor(sampleManifest(), { signer: mine.secret, macKey: null });
    const onlyMac = vouchedFor(sampleManifest(), { signer: null, macKey });

    expect(told(onlySigned)).toBeUndefined();
    expect(macFault(onlySigned, macKey)).toMatch(/^has no MAC/);
    expect(told(onlyMac)).toBe('is not signed');
    expect(macFault(onlyMac, macKey)).toBeUndefined();
  });

  test('is signed by a key that has to be one of the trusted', () => {
    expect(told(signed, [other])).toBe(
      `is signed by ${mine.trusted.fingerprint}, which is not trusted`,
    );
    expect(told(signed, [other, mine])).toBeUndefined();
    expect(told(signed, [])).toMatch(/which is not trusted$/);
  });

  test('is refused when another key signed it under the name of the trusted one', () => {
    const forged = sign(null, manifestCore(signed), other.secret.key).toString('base64');

    const manifest = tampered((json) => {
      Object.assign(placeOf(json, ['authentication', 'signature']), { value: forged });
    });

    expect(told(manifest)).toBe(`was changed since ${mine.trusted.fingerprint} signed it`);
  });

  test('is refused when the key of other data made its MAC', () => {
    expect(macFault(signed, Buffer.alloc(32, 8))).toMatch(/^was changed, or its data/);
  });
});

describe('a manifest that was changed', () => {
  test('has enough places to be changed in', () => {
    expect(core.length).toBeGreaterThan(40);
    expect(later.length).toBeGreaterThan(10);
  });

  test.each(core)('is refused: $at', ({ path }) => {
    const manifest = tampered((json) => {
      const place = placeOf(json, path.slice(0, -1)) as Record<string, unknown>;
      place[path.at(-1) as string] = otherThan(place[path.at(-1) as string]);
    });

    expect(told(manifest)).toBe(`was changed since ${mine.trusted.fingerprint} signed it`);
    expect(macFault(manifest, macKey)).toMatch(/^was changed, or its data/);
  });

  test('is refused as another backup: its id, time and revision together', () => {
    const manifest = tampered((json) => {
      const id = '20251120T154500Z-r00000000000000001-a1b2';
      Object.assign(json, { id, startedAt: '2025-11-20T15:45:00.123Z', revision: '1' });
    });

    expect(told(manifest)).toMatch(/^was changed/);
    expect(macFault(manifest, macKey)).toMatch(/^was changed/);
  });

  test.each(['received', 'sound', 'agreed'])('is refused without its proof %s', (name) => {
    const manifest = tampered((json) => delete (json['proofs'] as Json)[name]);

    expect(told(manifest)).toMatch(/^was changed/);
  });

  test.each(
    shapes(JSON.parse(golden))
      .filter((path) => !isLater(path) && path.join('.') !== 'proofs')
      .map((path) => ({ at: path.join('.') || 'top', path })),
  )('is refused with a key more, known to nobody: $at', ({ path }) => {
    const manifest = tampered((json) => Object.assign(placeOf(json, path), { zNew: [1] }));

    expect(told(manifest)).toMatch(/^was changed/);
  });

  test.each(later)('is as good as before where it may be changed: $at', ({ path }) => {
    const manifest = tampered((json) => {
      const place = placeOf(json, path.slice(0, -1)) as Record<string, unknown>;
      place[path.at(-1) as string] = otherThan(place[path.at(-1) as string]);
    });

    expect(encodeManifest(manifest)).not.toBe(encodeManifest(signed));
    expect(told(manifest)).toBeUndefined();
    expect(macFault(manifest, macKey)).toBeUndefined();
  });

  test('is as good as before with a hold, a label, and the proofs of a store', () => {
    const at = new Date('2027-01-01T00:00:00Z');
    const proof = { at, outcome: 'failed' as const, evidence: { reason: 'x' } };
    const { stored: _, ...proofs } = signed.proofs;

    const amended: Manifest = {
      ...signed,
      finishedAt: at,
      hold: null,
      labels: {},
      proofs: { ...proofs, restored: proof },
    };

    expect(told(amended)).toBeUndefined();
    expect(macFault(amended, macKey)).toBeUndefined();
  });
});

describe('the bytes that are signed', () => {
  test('have their keys in order and no spaces, whatever the order and the spaces were', () => {
    const turned = Object.fromEntries(Object.entries(signedJson).toReversed());
    const again = decodeManifest(JSON.stringify(turned, null, 7), 'x');

    const text = manifestCore(again).toString();

    expect(text).toBe(manifestCore(signed).toString());
    expect(text).toMatch(/^etcd-backupd manifest\n\{"cluster":\{"id":"cdf818194e3a8c32","name":"p/);
    expect(text).not.toMatch(/finishedAt|"hold"|"labels"|"stored"|"restored"|authentication/);
    expect(text).toMatch(/\}$/);
  });

  test('do not take a half character for another', () => {
    const [one, two] = ['\ud800', '\udc00'].map((host) =>
      manifestCore(sampleManifest({ host })).toString('hex'),
    );

    expect(one).not.toBe(two);
  });
});

describe('what is no signature', () => {
  test.each([
    ['mac', 'A'.repeat(64), 'authentication.mac'],
    ['mac', 'a'.repeat(63), 'authentication.mac'],
    ['signature', 'none', 'authentication.signature'],
    ['signature', { scheme: 'rsa', key: 'a'.repeat(16), value: `${'A'.repeat(86)}==` }, 'scheme'],
    ['signature', { scheme: 'ed25519', key: 'a'.repeat(15), value: `${'A'.repeat(86)}==` }, 'key'],
    ['signature', { scheme: 'ed25519', key: 'a'.repeat(16), value: 'A'.repeat(88) }, 'value'],
  ])('is told by its place: %s %j', (key, value, place) => {
    const json = structuredClone(signedJson);
    Object.assign(json['authentication'] as Json, { [key]: value });

    const failure = failureOf(JSON.stringify(json));

    expect(failure.code).toBe('manifest-invalid');
    expect(failure.message).toContain(place);
  });
});
