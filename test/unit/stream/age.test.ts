import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recipientText } from '../../../src/core/age-text.ts';
import { Failure } from '../../../src/core/errors.ts';
import { decryptAge, encryptAge } from '../../../src/stream/age.ts';
import { parseIdentities, parseRecipient } from '../../../src/stream/age-keys.ts';
import { all, anyBytes, anySizes, lent, noise, untilFailure } from './bytes.ts';

const keys = [
  'AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0',
  'AGE-SECRET-KEY-1XSNHH4TTAN9S0G2CKXKDN6XVUU2M02AX8CZAMG8UGDCC923U78UQZXL2WV',
];
const [ours, theirs] = keys.map((key) => parseIdentities(key, 'a test')[0]);
if (ours === undefined || theirs === undefined) throw new Error('two identities');
const recipients = [ours.publicBytes];

function sealed(plain: Uint8Array, to: readonly Uint8Array[] = recipients): Promise<Buffer> {
  return all(encryptAge(lent(plain), to));
}

const tagBytes = 16;
const chunkBytes = 65_536;

/** Where the parts of an encrypted text begin: nonce, and each chunk. */
function partsOf(bytes: Buffer): { nonce: number; chunks: readonly number[] } {
  const nonce = bytes.indexOf('\n', bytes.indexOf('\n--- ') + 1) + 1;
  const first = nonce + 16;
  const count = Math.ceil((bytes.length - first) / (chunkBytes + tagBytes));
  return {
    nonce,
    chunks: Array.from({ length: count }, (_, at) => first + at * (chunkBytes + tagBytes)),
  };
}

describe('encryption', () => {
  test('comes back the same for any size and any pieces, from lent memory', async () => {
    await fc.assert(
      fc.asyncProperty(anyBytes, anySizes, anySizes, async (plain, there, back) => {
        const bytes = await all(encryptAge(lent(plain, there), recipients));

        const opened = await all(decryptAge(lent(bytes, back), [ours]));

        expect(opened.equals(plain)).toBe(true);
        expect(bytes.includes(plain.subarray(0, 32)) && plain.length >= 32).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('can be opened by each of its recipients, whatever other identities are tried', async () => {
    const bytes = await sealed(Buffer.from('for two'), [ours.publicBytes, theirs.publicBytes]);

    for (const identities of [[ours], [theirs], [theirs, ours]]) {
      expect(String(await all(decryptAge(lent(bytes), identities)))).toBe('for two');
    }
  });

  test('is closed to all others, and nothing is given', async () => {
    const bytes = await sealed(noise(100));

    for (const identities of [[theirs], []]) {
      const { given, failure } = await untilFailure(decryptAge(lent(bytes), identities));

      expect(failure).toMatchObject({ code: 'backup-locked' });
      expect(given).toHaveLength(0);
    }
  });

  test('never gives the same bytes twice', async () => {
    const [one, other] = [await sealed(noise(100)), await sealed(noise(100))];

    expect(one.equals(other)).toBe(false);
    expect(one.subarray(-116).equals(other.subarray(-116))).toBe(false);
  });
});

describe('encrypted bytes', () => {
  test('that were changed in one place are refused, wherever it is', async () => {
    const bytes = await sealed(Buffer.from('some words that matter'));

    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      const { given, failure } = await untilFailure(decryptAge(lent(changed), [ours]));

      // What was wrapped for us no longer is, where the stanza itself was changed.
      expect(['object-damaged', 'backup-locked']).toContain(failure.code);
      expect(given).toHaveLength(0);
    }
  });

  test.each(['first', 'middle', 'last'])(
    'of many chunks are given up to the one that was changed: the %s',
    async (which) => {
      const plain = noise(3 * chunkBytes + 100);
      const bytes = await sealed(plain);
      const { chunks } = partsOf(bytes);
      expect(chunks).toHaveLength(4);
      const at = { first: 0, middle: 2, last: 3 }[which] as number;
      const place = (chunks[at] as number) + 50;
      bytes[place] = (bytes[place] as number) ^ 1;

      const { given, failure } = await untilFailure(decryptAge(lent(bytes), [ours]));

      expect(failure.code).toBe('object-damaged');
      expect(given.equals(plain.subarray(0, at * chunkBytes))).toBe(true);
    },
  );

  test('that were cut are refused: within the head, at the border of each chunk, and near', async () => {
    const bytes = await sealed(noise(3 * chunkBytes));
    const { nonce, chunks } = partsOf(bytes);
    const borders = [...chunks, nonce, bytes.length - 2 * tagBytes];
    const near = borders.flatMap((border) => [border - 1, border, border + 1, border + tagBytes]);

    for (const end of [0, 10, ...near, bytes.length - 1]) {
      const cut = bytes.subarray(0, end);
      const { failure } = await untilFailure(decryptAge(lent(cut), [ours]));

      expect({ end, code: failure.code }).toEqual({ end, code: 'object-damaged' });
    }
  });

  test('whose chunks were exchanged, doubled or left out are refused', async () => {
    const bytes = await sealed(noise(3 * chunkBytes));
    const [first = 0, second = 0, third = 0] = partsOf(bytes).chunks;
    const [head, a, b, c] = [
      bytes.subarray(0, first),
      bytes.subarray(first, second),
      bytes.subarray(second, third),
      bytes.subarray(third),
    ];

    for (const parts of [[b, a, c], [a, a, b, c], [a, c], [a, b, c, c], [c]]) {
      const mixed = Buffer.concat([head, ...parts]);
      const { failure } = await untilFailure(decryptAge(lent(mixed), [ours]));

      expect(failure.code).toBe('object-damaged');
    }
  });

  test('without an end of their head are refused before they fill the memory', async () => {
    let askedBytes = 0;
    const endless = async function* () {
      yield Buffer.from('age-encryption.org/v1\n');
      for (;;) {
        askedBytes += 64 * 1024;
        yield Buffer.alloc(64 * 1024, 'A');
      }
    };

    const { failure } = await untilFailure(decryptAge(endless(), [ours]));

    expect(failure).toMatchObject({ code: 'object-damaged' });
    expect(askedBytes).toBeLessThan(1024 * 1024);
  });
});

describe('a stream of encryption', () => {
  const stages = [
    { name: 'encrypting', make: async () => encryptAge(endless(), recipients) },
    { name: 'decrypting', make: async () => decryptAge(encryptAge(endless(), recipients), [ours]) },
  ];
  let closed = 0;
  async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) yield noise(chunkBytes);
    } finally {
      closed += 1;
    }
  }

  test.each(stages)('closes its source when nobody wants more of it: $name', async ({ make }) => {
    const before = closed;
    let pieces = 0;

    for await (const _ of await make()) {
      pieces += 1;
      if (pieces === 5) break;
    }

    expect(closed).toBe(before + 1);
  });

  test('throws what its source throws', async () => {
    const failure = new Failure('store-failed', 'the store is gone');
    const breaking = (bytes: Uint8Array) =>
      (async function* () {
        yield bytes;
        throw failure;
      })();
    const bytes = await sealed(noise(100));

    const there = await untilFailure(encryptAge(breaking(noise(100)), recipients));
    const back = await untilFailure(decryptAge(breaking(bytes), [ours]));

    expect([there.failure, back.failure]).toEqual([failure, failure]);
  });
});

describe('keys', () => {
  test('are read from the file of age-keygen, with its comments', () => {
    const file = `# created: today\n# public key: age1...\n${keys.join('\r\n')}\n\n`;

    const found = parseIdentities(file, 'a file');

    expect(found.map(({ publicBytes }) => recipientText(publicBytes))).toEqual([
      recipientText(ours.publicBytes),
      'age1dyvsqq66yq58vfuggjfz86fv89hpqsnu0w0v5jy53e8ej73uagvshtdh6a',
    ]);
  });

  test.each(['', '# only words\n', 'age1notakey', `${keys[0]}x`, `${keys[0]}\nsecret words`])(
    'that are none are refused, and not shown: %j',
    (text) => {
      const read = (): unknown => parseIdentities(text, '/the/file');

      expect(read).toThrow(expect.objectContaining({ code: 'config-invalid' }));
      expect(read).toThrow(/\/the\/file/);
      expect(read).not.toThrow(/secret words|AGE-SECRET-KEY-1E|notakey/);
    },
  );

  test('of recipients are refused for one wrong letter', () => {
    const text = recipientText(ours.publicBytes);

    expect(parseRecipient(text)).toEqual(Uint8Array.from(ours.publicBytes));
    for (let at = 4; at < text.length; at += 1) {
      const wrong = text.slice(0, at) + (text[at] === 'q' ? 'p' : 'q') + text.slice(at + 1);
      expect(() => parseRecipient(wrong)).toThrow('is no age recipient');
    }
  });
});
