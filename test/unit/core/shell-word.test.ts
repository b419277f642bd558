import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellWord } from '../../../src/core/shell-word.ts';

test.each([
  ['m1', 'm1'],
  ['https://10.0.0.1:2380,a=b', 'https://10.0.0.1:2380,a=b'],
  ['', "''"],
  ['two words', "'two words'"],
  ["it's", "'it'\\''s'"],
  ['https://[::1]:2380', "'https://[::1]:2380'"],
])('the word %j is written %s', (text, written) => {
  expect(shellWord(text)).toBe(written);
});

test('a shell reads any text back as it was', () => {
  const anyText = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''));
  const texts = fc.sample(fc.oneof(anyText, fc.string()), 300);

  const script = `printf '%s\\0' ${texts.map(shellWord).join(' ')}`;
  const read = execFileSync('sh', ['-c', script]).toString('utf8').split('\0').slice(0, -1);

  expect(read).toEqual(texts.map((text) => Buffer.from(text).toString('utf8')));
});
