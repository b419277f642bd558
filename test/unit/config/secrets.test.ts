import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readKeyBytes, readSecretFile } from '../../../src/config/secret-file.ts';
import { Secret } from '../../../src/core/secret.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function save(content: string | Buffer): string {
  const path = join(folder, 'secret');
  writeFileSync(path, content);
  return path;
}

describe('a secret', () => {
  test.each([
    ['String()', (secret: Secret) => String(secret)],
    ['a template', (secret: Secret) => `${secret}`],
    ['JSON', (secret: Secret) => JSON.stringify({ secret })],
    ['inspect', (secret: Secret) => inspect({ secret }, { showHidden: true, depth: 9 })],
    ['an error', (secret: Secret) => inspect(new Error(`no login with ${secret}`))],
    ['its keys', (secret: Secret) => JSON.stringify(Object.entries(secret))],
  ])('does not show in %s', (_, print) => {
    expect(print(new Secret('hunter2'))).not.toContain('hunter2');
  });

  test('prints as its mark and is there when asked for', () => {
    const secret = new Secret('hunter2');

    expect(String(secret)).toBe('[secret]');
    expect(inspect(secret)).toBe('[secret]');
    expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}');
    expect(secret.reveal()).toBe('hunter2');
  });
});

describe('a file of a secret', () => {
  test.each([
    ['hunter2', 'hunter2'],
    ['hunter2\n', 'hunter2'],
    ['hunter2\r\n', 'hunter2'],
    [' hunter 2 ', ' hunter 2 '],
    ['\uFEFFpässword', 'pässword'],
  ])('with %j holds %j', (content, secret) => {
    expect(readSecretFile(save(content)).reveal()).toBe(secret);
  });

  test.each([
    ['nothing', '', 'is empty'],
    ['one line break', '\n', 'is empty'],
    ['two lines', 'hunter2\nhunter3\n', 'has more than one line'],
    ['a blank line behind', 'hunter2\n\n', 'has more than one line'],
    ['a NUL', 'hunter2\0', 'holds a NUL character'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe]), 'is not UTF-8 text'],
    ['more than 64 KiB', 'x'.repeat(65_537), 'is larger than 64 KiB'],
  ])('with %s is refused by its path, never by its content', (_, content, reason) => {
    const path = save(content);

    const message = `${path} ${reason}`;
    expect(() => readSecretFile(path)).toThrow(
      expect.objectContaining({ code: 'config-invalid', message }),
    );
  });

  test('of exactly 64 KiB is taken', () => {
    expect(readSecretFile(save('x'.repeat(65_536))).reveal()).toHaveLength(65_536);
  });

  test('that does not exist, is a folder or is a pipe is refused without waiting', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);

    expect(() => readSecretFile(join(folder, 'none'))).toThrow('does not exist (ENOENT)');
    expect(() => readSecretFile(folder)).toThrow('is a folder');
    expect(() => readSecretFile(pipe)).toThrow('is not a regular file');
  });

  test('is read again at each use', () => {
    const path = save('before');
    const before = readSecretFile(path);
    save('behind');

    expect([before.reveal(), readSecretFile(path).reveal()]).toEqual(['before', 'behind']);
  });
});

describe('the file of a key', () => {
  const key = randomBytes(32);

  test.each([
    ['32 bytes', key],
    ['base64', key.toString('base64')],
    ['base64 on a line', `${key.toString('base64')}\n`],
  ])('gives the key from %s', (_, content) => {
    expect(readKeyBytes(save(content)).equals(key)).toBe(true);
  });

  test.each([
    ['fewer bytes', key.subarray(1)],
    ['base64 of fewer bytes', key.subarray(1).toString('base64')],
    ['something else', 'not a key'],
    ['nothing', ''],
  ])('is refused with %s, without its content', (_, content) => {
    const path = save(content);

    expect(() => readKeyBytes(path)).toThrow(
      `${path} holds no key: 32 bytes, as they are or as base64`,
    );
  });
});
