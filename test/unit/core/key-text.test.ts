import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyText, utf8Text } from '../../../src/core/key-text.ts';

describe('a key for people', () => {
  test.each([
    ['/registry/pods/shop/web-1', '/registry/pods/shop/web-1'],
    ['zürich/部品', 'zürich/部品'],
    ['two words', '"two words"'],
    ['', '""'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['back\\slash', 'back\\slash'],
    ['\u001b[2J', '"\\x1b[2J"'],
    ['line\nbreak', '"line\\x0abreak"'],
    ['right\u202eleft', '"right\\xe2\\x80\\xaeleft"'],
    ['\ufeffmark', '"\\xef\\xbb\\xbfmark"'],
  ])('is plain where it can be: %j', (key, shown) => {
    expect(keyText(Buffer.from(key))).toBe(shown);
  });

  test('shows bytes that are no text', () => {
    expect(keyText(Buffer.of(0x61, 0xff, 0x00))).toBe('"a\\xff\\x00"');
  });

  test('is one text for one key, without anything that moves a cursor', () => {
    const bytes = fc.uint8Array({ maxLength: 6 });
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        expect(keyText(one)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(keyText(one) === keyText(other)).toBe(Buffer.compare(one, other) === 0);
      }),
    );
  });
});

describe('the text of bytes', () => {
  test('is exactly what those bytes encode, or nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        const text = utf8Text(bytes);

        const again = Buffer.from(bytes).toString('utf8');
        const isText = Buffer.from(again, 'utf8').equals(bytes);
        expect(text).toBe(isText ? again : undefined);
      }),
      { examples: [[Uint8Array.of(0xef, 0xbb, 0xbf, 0x41)], [Uint8Array.of(0xed, 0xa0, 0x80)]] },
    );
  });
});
