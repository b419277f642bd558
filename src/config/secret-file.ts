/**
 * The door to secrets. A secret lives in a file (a systemd credential, a Kubernetes secret) and is
 * read at each use: whoever replaces the file has rotated the secret, and a removed file gives it
 * to nobody. Nothing here keeps a secret or prints a byte of one.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

import { Failure } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { formatBytes } from '../core/units.ts';
import { systemReason } from './findings.ts';

// Enough for any token or password, and too little to read a device or a database by mistake.
const largestSecretBytes = 64 * 1024;
const keyBytes = 32;

/** The one line of the file. Throws `config-invalid` with the path and never the content. */
export function readSecretFile(path: string): Secret {
  const bytes = readSmallFile(path, largestSecretBytes);
  const text = decode(bytes, path).replace(/\r?\n$/, '');
  if (text === '') throw refusal(path, 'is empty');
  // A second line break would become part of the password, and nobody would see why it is wrong.
  if (/[\r\n]/.test(text)) throw refusal(path, 'has more than one line');
  if (text.includes('\0')) throw refusal(path, 'holds a NUL character');
  return new Secret(text);
}

/** The 32 bytes of a key, which the file holds as they are or as base64. */
export function readKeyBytes(path: string): Buffer {
  const bytes = readSmallFile(path, largestSecretBytes);
  if (bytes.byteLength === keyBytes) return bytes;
  const text = bytes.toString('latin1').trim();
  const decoded = Buffer.from(text, 'base64');
  if (decoded.byteLength === keyBytes && decoded.toString('base64') === text) return decoded;
  throw refusal(path, 'holds no key: 32 bytes, as they are or as base64');
}

/** The text of a file with keys. Throws `config-invalid`, without the content. */
export function readKeyFile(path: string): string {
  return decode(readSmallFile(path, largestSecretBytes), path);
}

/**
 * Content of a regular file of at most `limitBytes`. Opened without waiting: a pipe in the place of
 * the file must be refused, not waited for.
 */
export function readSmallFile(path: string, limitBytes: number): Buffer {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    throw refusal(path, systemReason(thrown), thrown);
  }
  try {
    const stat = fstatSync(file);
    if (stat.isDirectory()) throw refusal(path, 'is a folder');
    if (!stat.isFile()) throw refusal(path, 'is not a regular file');
    // One byte more than allowed tells "too large" even where the file grows meanwhile.
    const buffer = Buffer.alloc(limitBytes + 1);
    let filled = 0;
    for (let got = -1; got !== 0 && filled < buffer.length; filled += got) {
      got = readSync(file, buffer, filled, buffer.length - filled, null);
    }
    if (filled > limitBytes) throw refusal(path, `is larger than ${formatBytes(limitBytes)}`);
    return buffer.subarray(0, filled);
  } finally {
    closeSync(file);
  }
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (thrown) {
    throw refusal(path, 'is not UTF-8 text', thrown);
  }
}

function refusal(path: string, reason: string, cause?: unknown): Failure {
  return new Failure('config-invalid', `${path} ${reason}`, { cause, context: { path } });
}
