/**
 * The vectors that all implementations of age are held to, copied as they are from the Go module
 * c2sp.org/CCTV/age (0BSD): those of heads, X25519 and the payload.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Failure } from '../../../src/core/errors.ts';
import { decryptAge } from '../../../src/stream/age.ts';
import { parseIdentities } from '../../../src/stream/age-keys.ts';
import { all, lent, untilFailure } from './bytes.ts';

const folder = join(import.meta.dirname, '..', '..', 'golden', 'age');

/** What each of their words means here. */
const codes: Record<string, Failure['code']> = {
  'no match': 'backup-locked',
  'header failure': 'object-damaged',
  'HMAC failure': 'object-damaged',
  'payload failure': 'object-damaged',
};

function vector(name: string) {
  const file = readFileSync(join(folder, name));
  const end = file.indexOf('\n\n');
  const fields = file
    .subarray(0, end)
    .toString()
    .split('\n')
    .map((line) => line.split(': '));
  const valuesOf = (key: string) =>
    fields.flatMap(([own, value = '']) => (own === key ? [value] : []));
  const body = file.subarray(end + 2);
  return {
    expected: valuesOf('expect')[0] ?? '',
    payload: valuesOf('payload')[0],
    identities: parseIdentities(valuesOf('identity').join('\n'), name),
    bytes: valuesOf('compressed')[0] === 'zlib' ? inflateSync(body) : body,
  };
}

test.each(readdirSync(folder))('opens or refuses as age does: %s', async (name) => {
  const { expected, payload, identities, bytes } = vector(name);
  const opened = decryptAge(lent(bytes, [1000, 7]), identities);

  if (expected === 'success') {
    const hash = createHash('sha256').update(await all(opened));
    expect(hash.digest('hex')).toBe(payload);
    return;
  }
  const { given, failure } = await untilFailure(opened);
  expect(failure.code).toBe(codes[expected]);
  if (expected !== 'payload failure') expect(given).toHaveLength(0);
});
