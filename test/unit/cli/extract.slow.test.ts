/** `extract` of files and of what it must refuse; from a store and a live etcd elsewhere. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type TestPair, withTrailer, writeBbolt } from '../../support/bbolt.ts';
import { startProgram } from '../../support/house.ts';
import { keyValue, revisionKey } from '../format/history.ts';
import { call, complaintOf, expectGolden, place } from './calling.ts';

const puts: readonly (readonly [key: string | Buffer, value: string | Buffer, lease?: bigint])[] = [
  ['/shop/web', 'first'],
  ['/shop/web', 'zweite Fassung für "web"\n'],
  ['/shop/empty', ''],
  ['/shop/leased', 'soon gone', 0x694d_8f2a_0000_0001n],
  ['/shop/negative lease', 'x', -1n],
  ['/shop/binary', Buffer.of(0, 0xff, 0x80)],
  ['/shop/mark', '\ufeffwith a mark'],
  ['/shop/\u001b[31m', 'moves no cursor'],
  [Buffer.from('/shop/\xff', 'latin1'), 'of a key that is no text'],
  [Buffer.of(0xff, 0xff, 1), 'behind two of the last byte'],
  ['/shopping', 'of somebody else'],
];

const pairs: readonly TestPair[] = [
  ...puts.map(([key, value, lease = 0n], at): TestPair => {
    const main = BigInt(at + 2);
    const [create, version] = at === 1 ? [2n, 2n] : [main, 1n];
    const bytes = Buffer.from(value as string);
    const fields = [
      [1, Buffer.from(key as string)],
      [2, create],
      [3, main],
    ] as const;
    const rest = [
      [4, version],
      [5, bytes],
      [6, BigInt.asUintN(64, lease)],
    ] as const;
    return [revisionKey(main, 0n), keyValue([...fields, ...rest])];
  }),
  [revisionKey(100n, 0n, true), keyValue([[1, '/shop/deleted']])],
];

const many = Array.from({ length: 3000 }, (_, at): TestPair => {
  const main = BigInt(at + 2);
  const fields = [
    [1, `/many/${at}`],
    [3, main],
    [5, 'x'.repeat(1000)],
  ] as const;
  return [revisionKey(main, 0n), keyValue(fields)];
});

function saved(bytes = snapshot()): string {
  const path = join(place().dir, 'snapshot.db');
  writeFileSync(path, bytes);
  return path;
}

function snapshot(rows: readonly TestPair[] = pairs): Uint8Array {
  return withTrailer(writeBbolt({ key: rows, meta: [], lease: [] }).bytes);
}

function keysOf(out: string): string[] {
  const lines = out.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line)).map(({ key, keyBase64 }) => key ?? keyBase64);
}

describe('extract of a snapshot file', () => {
  test('shows programs every fact, with bytes that are no text under another name', async () => {
    const told = await call(['extract', saved(), '--prefix', '/shop/', '--json']);

    expectGolden('extract.jsonl', told.out);
    expect(told).toMatchObject({ code: 'success', err: '' });
  });

  test('shows people the keys without their values, and nothing that moves a cursor', async () => {
    const told = await call(['extract', saved(), '--prefix', '/shop/']);

    expectGolden('extract.txt', told.out);
    expect(told).toMatchObject({ code: 'success', err: '8 keys; --json shows values too\n' });
    expect(told.out).not.toMatch(/[^\P{Cc}\n]/u);
    for (const value of ['zweite', 'soon gone', 'no text']) expect(told.out).not.toContain(value);
  });

  test.each([
    ['/wAA', []],
    [Buffer.of(0xff).toString('base64'), [Buffer.of(0xff, 0xff, 1).toString('base64')]],
    [Buffer.of(0xff, 0xff).toString('base64'), [Buffer.of(0xff, 0xff, 1).toString('base64')]],
    [Buffer.from('/shopp').toString('base64'), ['/shopping']],
  ])('takes a prefix of bytes: %s', async (prefix, keys) => {
    const told = await call(['extract', saved(), '--prefix-base64', prefix, '--json']);

    expect(told.code).toBe('success');
    expect(keysOf(told.out)).toEqual(keys);
  });

  test('shows every key for --all', async () => {
    const told = await call(['extract', saved(), '--all', '--json']);

    expect(keysOf(told.out)).toHaveLength(10);
    expect(told.code).toBe('success');
  });

  test('shows nothing of a file that is damaged', async () => {
    const bytes = Buffer.from(snapshot());
    bytes.writeUInt8(bytes.readUInt8(9000) ^ 1, 9000);

    const told = await call(['extract', saved(bytes), '--all', '--json']);

    expect(told).toMatchObject({ code: 'snapshot-corrupt', out: '' });
  });
});

describe('extract into a pipe', () => {
  test('waits for its reader before it says more', async () => {
    let [open, unread, most] = [0, 0, 0];

    const told = await call(['extract', saved(snapshot(many)), '--all', '--json'], {
      onText: (text) => {
        unread += text.length;
        most = Math.max(most, unread);
      },
      ready: async () => {
        open += 1;
        await new Promise((resolve) => setImmediate(resolve));
        unread = 0;
        return true;
      },
    });

    expect(keysOf(told.out)).toHaveLength(3000);
    expect(open).toBeGreaterThan(10);
    expect(most).toBeLessThan(70_000);
  });

  test('ends well and soon when nobody reads any more', async () => {
    const told = await call(['extract', saved(snapshot(many)), '--all', '--json'], {
      ready: async () => false,
    });

    expect(told).toMatchObject({ code: 'success', err: '' });
    expect(told.out.length).toBeLessThan(70_000);
  });
});

describe('extract as a process', () => {
  test('ends well when its reader closes the pipe', async () => {
    const child = startProgram(['extract', saved(snapshot(many)), '--all', '--json']);
    let err = '';
    child.stderr?.on('data', (chunk) => {
      err += chunk;
    });
    child.stdout?.once('data', () => child.stdout?.destroy());

    const [code, signal] = await once(child, 'close');

    expect({ code, signal, err }).toEqual({ code: 0, signal: null, err: '' });
  });
});

describe('the keys of extract and put-back', () => {
  test.each([
    [['extract', 'latest'], 'extract takes --prefix, or --all'],
    [['extract', 'latest', '--all', '--prefix', '/a'], 'extract takes --prefix, or --all'],
    [['extract', 'latest', '--prefix', ''], 'the prefix is empty, which would mean every key'],
    [['put-back', 'latest', '--prefix', ''], 'the prefix is empty, which would mean every key'],
    [['put-back', 'latest'], 'name the keys with --prefix'],
    [['extract', 'latest', '--prefix-base64', 'YQ'], '--prefix-base64 is no base64: "YQ"'],
    [
      ['extract', 'latest', '--prefix', 'a', '--prefix-base64', 'YQ=='],
      '--prefix and --prefix-base64 are two ways to say one thing',
    ],
    [['put-back', 'latest', '--prefix', 'a', '--lines', 'all'], '--lines takes a number, not all'],
    [['put-back', 'latest', '--all'], "put-back: Unknown option '--all'"],
  ])('are asked for before anything is opened: %j', async (words, complaint) => {
    const told = await call([...words, '--no.such=key']);

    expect(told).toMatchObject({ code: 'usage', out: '' });
    expect(complaintOf(told)).toBe(complaint);
  });

  test('cannot be those of a file that is not there, or of no such backup', async () => {
    const { dir, words } = place();
    const file = await call(['extract', join(dir, 'none.db'), '--all']);
    const backup = await call(['extract', 'latest', '--all', ...words]);

    expect(complaintOf(file)).toMatch(/^cannot read .*none\.db: ENOENT/);
    expect(file.code).toBe('usage');
    expect(backup).toMatchObject({ code: 'backup-missing', out: '' });
  });
});
