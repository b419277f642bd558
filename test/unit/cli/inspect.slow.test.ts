/** `inspect` of sound files, and of everything that is none. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withTrailer } from '../../support/bbolt.ts';
import { makeDatabase } from '../format/made-file.ts';
import {
  bucketsOf,
  type MadeRow,
  slowHashKv,
  slowStatusHash,
  text,
} from '../format/slow-hashes.ts';
import { call, complaintOf, expectGolden, place } from './calling.ts';

const rows: readonly MadeRow[] = Array.from({ length: 300 }, (_, at) => ({
  main: at + 2,
  sub: 0,
  key: `key/${at % 70}`,
  value: at % 9 === 0 ? undefined : text(`value ${at}`),
}));
const buckets = bucketsOf(rows, 40);
const { bytes } = makeDatabase({ buckets, freelist: true, garbage: true });
const sound = withTrailer(bytes);

function changed(offset: number): Uint8Array {
  const copy = Uint8Array.from(sound);
  copy[offset] = (copy[offset] ?? 0) ^ 1;
  return copy;
}

function saved(content: Uint8Array | string): string {
  const path = join(place().dir, 'snapshot.db');
  writeFileSync(path, content);
  return path;
}

describe('inspect of a sound snapshot', () => {
  test('shows for people what is inside', async () => {
    const told = await call(['inspect', saved(sound)]);

    expectGolden('inspect.txt', told.out);
    expect(told).toMatchObject({ code: 'success', err: '' });
    expect(told.out).toContain(slowStatusHash(buckets).toString(16));
  });

  test('shows for programs the same and more', async () => {
    const told = await call(['inspect', saved(sound), '--json']);

    expectGolden('inspect.json', told.out);
    expect(told).toMatchObject({ code: 'success', err: '' });
    expect(JSON.parse(told.out)).toMatchObject({
      trailer: 'matches',
      sizeBytes: sound.length,
      statusHash: slowStatusHash(buckets),
      hashKv: {
        hash: slowHashKv(rows, { revision: 301, compact: 40 }),
        revision: '301',
        compactRevision: '40',
      },
    });
  });

  test('takes a database without a trailer, and says that it has none', async () => {
    const path = saved(bytes);

    const shown = await call(['inspect', path]);
    const told = await call(['inspect', path, '--json']);

    expect(shown.out).toMatch(/^trailer +absent \(cut from a data directory\?\)$/m);
    expect(JSON.parse(told.out)).toMatchObject({ trailer: 'absent' });
  });

  test('leaves no escape codes and no bare lines to whoever reads it', async () => {
    const { out } = await call(['inspect', saved(sound)], { watched: true });

    expect(out).not.toMatch(/[^\P{Cc}\n]/u);
    expect(out).toMatch(/\S\n$/);
  });
});

describe('inspect of what is no sound snapshot', () => {
  test.each([
    ['an empty file', '', 'the file is empty'],
    ['a short text', 'no database', 'the file has 11 bytes: neither a database nor'],
    ['a page of zeros', new Uint8Array(8192), 'neither meta page is sound'],
    ['a changed byte', changed(20_000), 'the SHA-256 at the end of the file is not that'],
    ['a changed trailer', changed(sound.length - 1), 'the SHA-256 at the end of the file is not'],
    [
      'half of it',
      sound.subarray(0, 20 * 512),
      'the file is cut: its meta counts 17 pages of 4096 bytes',
    ],
    ['a cut trailer', sound.subarray(0, -1), `the file has ${sound.length - 1} bytes: neither`],
  ])('says what is wrong in one line: %s', async (_, content, reason) => {
    const told = await call(['inspect', saved(content)]);

    expect(told).toMatchObject({ code: 'snapshot-corrupt', out: '' });
    expect(complaintOf(told)).toContain(reason);
  });

  test.each(['inspect', 'inspect --json'])('prints no data: %s', async (command) => {
    const { out } = await call([...command.split(' '), saved(changed(20_000))]);

    expect(out).toBe('');
  });
});

describe('inspect of what cannot be read', () => {
  test.each([
    ['none', 'cannot read @: ENOENT: no such file or directory'],
    ['file/below', 'cannot read @: ENOTDIR: not a directory'],
    ['folder', '@ is not a file'],
    ['pipe', '@ is not a file'],
  ])('says why in one line, and waits for nothing: %s', async (name, reason) => {
    const { dir } = place();
    mkdirSync(join(dir, 'folder'));
    writeFileSync(join(dir, 'file'), '');
    execFileSync('mkfifo', [join(dir, 'pipe')]);

    const told = await call(['inspect', join(dir, name)]);

    expect(told).toMatchObject({ code: 'usage', out: '' });
    expect(complaintOf(told)).toContain(reason.replace('@', join(dir, name)));
  });
});
