/** The command `scrub`, and what `list`, `status` and `verify` say of damaged copies. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Manifest } from '../../../src/core/manifest.ts';
import { call, type Place, place, type Told } from './calling.ts';
import { stock, today } from './stocked.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: today }));
afterEach(() => void vi.useRealTimers());

interface Two {
  readonly at: Place;
  /** Words for both stores. */
  readonly words: readonly string[];
  readonly manifest: Manifest;
  readonly other: Place;
}

const quiet = '--log.level=fatal';

/** One backup in two stores. */
async function twoStores(): Promise<Two> {
  const settings = { 'cluster.name': 'production' };
  const [at, other] = [place(settings), place(settings)];
  const given = { startedAt: '2026-11-18T15:45:00Z' };
  const manifest = await stock(at, given);
  await stock(other, given);
  const stores = [
    { name: 'local', type: 'file', path: at.storeDir },
    { name: 'remote', type: 'file', path: other.storeDir },
  ];
  const words = at.words.filter((word) => !word.startsWith('--stores='));
  return { at, other, manifest, words: [...words, `--stores=${JSON.stringify(stores)}`, quiet] };
}

function damage({ at, manifest }: Two): void {
  writeFileSync(join(at.storeDir, manifest.sealed.object), 'sealed bytez');
}

function scrub(two: Two, ...more: readonly string[]): Promise<Told> {
  return call(['scrub', '--json', ...more, ...two.words]);
}

describe('scrub', () => {
  test('of whole copies ends well, and says so of each', async () => {
    const two = await twoStores();

    const told = await call(['scrub', '--all', ...two.words]);

    expect(told).toMatchObject({ code: 'success', err: '' });
    expect(told.out).toMatch(/^BACKUP +STORE +VERDICT +DETAIL\n/);
    expect(told.out).toMatch(/ local +passed +every byte as it was proved\n/);
    expect(told.out).toMatch(/ remote +passed +every byte as it was proved\n/);
  });

  test('of a damaged copy repairs it, and its status says that there was damage', async () => {
    const two = await twoStores();
    damage(two);

    const told = await scrub(two, '--all');
    const again = await scrub(two, '--all');

    expect(told.code).toBe('damage-repaired');
    const { result, copies, unreadable } = JSON.parse(told.out);
    expect([result, unreadable]).toEqual(['repaired', []]);
    const mended = copies.filter(({ outcome }: { outcome: string }) => outcome === 'repaired');
    expect(mended).toEqual([
      {
        backup: two.manifest.id,
        store: 'local',
        outcome: 'repaired',
        from: 'remote',
        failure: { code: 'object-damaged', message: expect.stringContaining('SHA-256') },
      },
    ]);
    expect(again.code).toBe('success');
  });

  test.each([
    ['--no-repair', ['--all', '--no-repair']],
    ['scrub.repair: false', ['--all', '--scrub.repair=false']],
    ['its only good copy missing', ['--all']],
  ])('leaves a damaged copy with %s, and its status says so', async (why, words) => {
    const two = await twoStores();
    damage(two);
    if (why.startsWith('its only')) rmSync(join(two.other.storeDir, two.manifest.sealed.object));

    const told = await scrub(two, ...words);
    const listed = await call(['list', ...two.words]);
    const state = await call(['status', '--json', ...two.words]);

    expect(told.code).toBe('object-damaged');
    expect(JSON.parse(told.out).result).toBe('damaged');
    expect(listed.out).toMatch(
      /STORED FAILED +0s +unsigned +local +damaged; not proved: do not restore/,
    );
    expect(JSON.parse(state.out).stores[0]).toMatchObject({ store: 'local', damaged: 1 });
  });

  test('reads a share of the copies, or all, or those of one store', async () => {
    const two = await twoStores();
    await stock(two.at, { startedAt: '2026-11-17T15:45:00Z' });
    await scrub(two, '--all');
    vi.setSystemTime(today.getTime() + 60_000);

    const share = await scrub(two, '--store', 'local');
    const all = await scrub(two, '--store', 'local', '--all');

    const stores = ({ out }: Told): string[] =>
      JSON.parse(out).copies.map(({ store }: { store: string }) => store);
    expect(stores(share)).toEqual(['local']);
    expect(stores(all)).toEqual(['local', 'local']);
  });

  test('tells a store that is away, and scrubs the other', async () => {
    const two = await twoStores();
    rmSync(two.other.dir, { recursive: true });

    const told = await scrub(two, '--all');

    expect(told.code).toBe('store-failed');
    expect(told.err).toMatch(/^remote: cannot be read: /m);
    expect(JSON.parse(told.out)).toMatchObject({
      result: 'unread',
      copies: [{ store: 'local', outcome: 'passed' }],
      unreadable: [{ store: 'remote', failure: { code: 'store-failed' } }],
    });
  });
});

describe('verify', () => {
  test.each([
    ['cut', 'object-damaged'],
    ['gone', 'object-missing'],
  ] as const)('names a copy whose data is %s beside the whole one', async (what, code) => {
    const two = await twoStores();
    const path = join(two.at.storeDir, two.manifest.sealed.object);
    if (what === 'cut') writeFileSync(path, 'sealed');
    else rmSync(path);

    for (const which of ['--all', 'latest', two.manifest.id]) {
      const told = await call(['verify', which, '--json', ...two.words]);

      expect(told.code).toBe(code);
      expect(JSON.parse(told.out)).toMatchObject([
        { backup: two.manifest.id, store: 'local', outcome: 'failed', failure: { code } },
        { backup: two.manifest.id, store: 'remote', outcome: 'passed' },
      ]);
    }
  });
});
