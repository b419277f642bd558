/** What every keyspace behind the port must do: the fake one and real etcd, of any version. */
import { describe, expect, test } from 'vitest';
import type { KeyPage, KeyRange, LiveKeys } from '../../src/cluster/keys-port.ts';

const { signal } = new AbortController();

export interface ContractKeys {
  readonly port: LiveKeys;
  put(key: string, value: string): void | Promise<void>;
  remove(key: string): void | Promise<void>;
}

/** `shared` is one keyspace; every test has a folder of its own in it. */
export function liveKeysContract(shared: () => ContractKeys): void {
  test('reads a range in order, with what is at both ends of it', async () => {
    for (const name of ['c', 'a', 'b', 'd']) await shared().put(`/order/${name}`, `of ${name}`);

    const pages = await readAll(shared().port, range('/order/b', '/order/d'));

    const keys = pages.flatMap((page) => page.keys);
    expect(keys.map(({ key, value }) => [text(key), text(value)])).toEqual([
      ['/order/b', 'of b'],
      ['/order/c', 'of c'],
    ]);
    expect(keys.map(({ lease }) => lease)).toEqual([0n, 0n]);
    expect(keys[0]?.modRevision).toBeGreaterThan(keys[1]?.modRevision ?? 0n);
  });

  test('tells the cluster and the revision also of an empty range', async () => {
    await shared().put('/empty', 'x');
    const [own] = await readAll(shared().port, range('/empty', '/empty\0'));

    const [page] = await readAll(shared().port, range('/nothing/', '/nothing0'));

    expect(page).toMatchObject({ keys: [], clusterId: own?.clusterId });
    expect(page?.clusterId).toMatch(/^[0-9a-f]{16}$/);
    expect(page?.revision).toBeGreaterThanOrEqual(own?.keys[0]?.modRevision ?? 1n << 63n);
  });

  test('reads to the last key there is', async () => {
    await shared().put('zz last', 'x');

    const pages = await readAll(shared().port, range('zz', '\0'));

    expect(pages.flatMap(({ keys }) => keys.map(({ key }) => text(key)))).toEqual(['zz last']);
  });

  test('shows one revision in all pages, whatever is written meanwhile', async () => {
    for (let at = 0; at < 150; at += 1) await shared().put(`/pages/${1000 + at}`, 'before');
    const reading = shared().port.read(range('/pages/', '/pages0'), { signal });
    const pages: KeyPage[] = [];

    for await (const page of reading) {
      if (pages.length === 0) await shared().put('/pages/1149', 'after');
      pages.push(page);
    }

    const keys = pages.flatMap((page) => page.keys);
    expect(pages.length).toBeGreaterThan(1);
    expect(keys.map(({ key }) => text(key))).toEqual(
      Array.from({ length: 150 }, (_, at) => `/pages/${1000 + at}`),
    );
    expect(new Set(keys.map(({ value }) => text(value)))).toEqual(new Set(['before']));
    expect(new Set(pages.map(({ revision }) => revision)).size).toBe(1);
  });

  describe('a transaction', () => {
    test('creates, overwrites and removes at once', async () => {
      await shared().put('/txn/old', 'old');
      await shared().put('/txn/gone', 'x');
      const mods = await modsOf('/txn/');

      const applied = await shared().port.apply(
        [
          change('/txn/gone', null, mods['/txn/gone']),
          change('/txn/new', 'new', 0n),
          change('/txn/old', '', mods['/txn/old']),
        ],
        { signal },
      );

      expect(applied).toEqual({ outcome: 'written' });
      const keys = (await readAll(shared().port, range('/txn/', '/txn0'))).flatMap((p) => p.keys);
      expect(keys.map(({ key, value }) => [text(key), text(value)])).toEqual([
        ['/txn/new', 'new'],
        ['/txn/old', ''],
      ]);
      expect(keys[0]?.modRevision).toBe(keys[1]?.modRevision);
    });

    test('does nothing when one key has changed, is there, or is gone, and tells which', async () => {
      for (const name of ['same', 'changed', 'gone']) await shared().put(`/race/${name}`, 'x');
      const before = await modsOf('/race/');
      await shared().put('/race/changed', 'y');
      await shared().remove('/race/gone');
      await shared().put('/race/there', 'z');
      const now = await modsOf('/race/');

      const names = ['same', 'changed', 'gone', 'there'].map((name) => `/race/${name}`);
      const changes = names.map((name) => change(name, 'mine', before[name] ?? 0n));
      const applied = await shared().port.apply(changes, { signal });

      expect(applied).toEqual({
        outcome: 'conflict',
        found: [now['/race/same'], now['/race/changed'], 0n, now['/race/there']],
      });
      expect(await modsOf('/race/')).toEqual(now);
    });

    test('is refused as too large when it has too many changes, and nothing is done', async () => {
      const changes = Array.from({ length: 129 }, (_, at) => change(`/many/${at}`, 'x', 0n));

      expect(await shared().port.apply(changes, { signal })).toEqual({ outcome: 'too-large' });
      expect(await modsOf('/many/')).toEqual({});
    });
  });

  async function modsOf(prefix: string): Promise<Record<string, bigint>> {
    const pages = await readAll(shared().port, range(prefix, `${prefix.slice(0, -1)}0`));
    const keys = pages.flatMap((page) => page.keys);
    return Object.fromEntries(keys.map(({ key, modRevision }) => [text(key), modRevision]));
  }
}

function range(from: string, end: string): KeyRange {
  return { from: Buffer.from(from), end: Buffer.from(end) };
}

function change(key: string, value: string | null, expected = -1n) {
  return { key: Buffer.from(key), value: value === null ? null : Buffer.from(value), expected };
}

async function readAll(port: LiveKeys, asked: KeyRange): Promise<KeyPage[]> {
  const pages: KeyPage[] = [];
  for await (const page of port.read(asked, { signal })) pages.push(page);
  return pages;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
