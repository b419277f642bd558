import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { parseSigningKey, parseTrustedKey, publicHalf } from '../../../src/core/signing-key.ts';
import { keyPair } from '../../support/signing.ts';

// Made by `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`.
const secretPem = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`;
const line = 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=';
const publicPem = `-----BEGIN PUBLIC KEY-----\n${line}\n-----END PUBLIC KEY-----\n`;
const fingerprint = createHash('sha256').update(Buffer.from(line, 'base64')).digest('hex');

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'config-invalid') return thrown.message;
    throw thrown;
  }
  throw new Error('it was taken');
}

describe('a key', () => {
  test('has the fingerprint that openssl and sha256sum give, in both halves', () => {
    const secret = parseSigningKey(secretPem, 'x');

    expect(secret.fingerprint).toBe(fingerprint.slice(0, 16));
    expect(parseTrustedKey(publicPem, 'x').fingerprint).toBe(secret.fingerprint);
    expect(publicHalf(secret).key.equals(createPublicKey(publicPem))).toBe(true);
  });

  test('is trusted as a file and as the line within', () => {
    const [file, within] = [publicPem, line].map((text) => parseTrustedKey(text, 'x'));

    expect(within?.key.equals(file!.key)).toBe(true);
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const rsaSecret = rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const rsaPublic = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString();

  test.each([
    ['nothing', '', 'k holds no private key in PEM'],
    ['a public key', publicPem, 'k holds no private key in PEM'],
    ['a cut one', secretPem.slice(0, 80), 'k holds no private key in PEM'],
    ['RSA', rsaSecret, 'k holds a key of the kind rsa, not ed25519'],
  ])('that signs is not %s', (_, text, message) => {
    expect(messageOf(() => parseSigningKey(text, 'k'))).toBe(message);
  });

  test.each([
    ['nothing', '', 'k holds no public key in PEM'],
    ['a cut line', line.slice(0, 40), 'k holds no public key in PEM'],
    ['RSA', rsaPublic, 'k holds a key of the kind rsa, not ed25519'],
  ])('that is trusted is not %s', (_, text, message) => {
    expect(messageOf(() => parseTrustedKey(text, 'k'))).toBe(message);
  });

  test('that is trusted is not the private one, which is not shown', () => {
    const { secretPem: secret } = keyPair();

    const message = messageOf(() => parseTrustedKey(secret, 'k'));

    expect(message).toContain('k holds a private key: name what "openssl pkey -pubout" prints');
    expect(message).not.toContain(secret.split('\n')[1]);
  });
});
