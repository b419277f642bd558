import { expect, test } from 'vitest';
import type { ObjectName } from '../../src/core/names.ts';
import type { StoreContract } from './store.ts';
import { bodyOf, collect, namesIn, putBytes, readBytes, signal } from './store-bodies.ts';

const strange = [
  '-',
  '-rf',
  '.hidden',
  '..a',
  '...b',
  'a..',
  'CON',
  'con',
  'etc/passwd',
  'x.tmp',
  'x.part',
  'under_score',
  '__proto__',
  'constructor',
  `long/${'n'.repeat(255)}`,
  `deep/${'d/'.repeat(60)}leaf`,
];

const refused = [
  '',
  '/',
  '/absolute',
  'ends/',
  'double//slash',
  '.',
  '..',
  '../outside',
  'a/../b',
  'a/./b',
  'a b',
  'a\\b',
  'a\nb',
  'a\0b',
  'ü',
  '~tilde',
  'a*',
  'n'.repeat(256),
  `${'d/'.repeat(600)}leaf`,
];

export function namesContract({ makeStore }: StoreContract): void {
  test('keeps objects with strange but valid names apart', async () => {
    await using store = await makeStore();
    for (const name of strange) await putBytes(store, name, `content of ${name}`);

    const read = new Map<string, string>();
    for (const name of strange) read.set(name, String(await readBytes(store, name)));

    expect(await namesIn(store)).toEqual(strange.toSorted());
    expect([...read]).toEqual(strange.map((name) => [name, `content of ${name}`]));
  });

  test.each(refused)('refuses the name %j', async (text) => {
    await using store = await makeStore();
    const name = text as ObjectName;
    const refusal = { code: 'internal' };

    await expect(store.put(name, bodyOf(Buffer.from('x')), { signal })).rejects.toMatchObject(
      refusal,
    );
    await expect(collect(store.get(name, { signal }))).rejects.toMatchObject(refusal);
    await expect(store.stat(name, { signal })).rejects.toMatchObject(refusal);
    await expect(store.remove(name, { signal })).rejects.toMatchObject(refusal);

    expect(await namesIn(store)).toEqual([]);
  });
}
