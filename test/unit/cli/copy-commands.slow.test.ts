/** Two file stores, and what is copied between them. */
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Manifest } from '../../../src/core/manifest.ts';
import { filesOf } from '../../support/stored-names.ts';
import { call, complaintOf, expectGolden, type Place, place } from './calling.ts';
import { owner, stock, stockThree, stranger, today } from './stocked.ts';

// Only the calendar stands still: timers and limits go on.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: today }));
afterEach(() => void vi.useRealTimers());

const quiet = ['--log.level=error'];

interface Pair extends Place {
  /** As a place: what is stocked there goes into the second store. */
  readonly offsite: Place;
}

/** Stores `local`, which has what is stocked, and `offsite`. */
function twoStores(settings: Record<string, string> = {}): Pair {
  const at = place(settings);
  const storeDir = join(at.dir, 'offsite');
  mkdirSync(storeDir, { mode: 0o700 });
  const stores = [
    { name: 'local', type: 'file', path: at.storeDir },
    { name: 'offsite', type: 'file', path: storeDir },
  ];
  const words = at.words.filter((word) => !word.startsWith('--stores='));
  const all = [...words, `--stores=${JSON.stringify(stores)}`, ...quiet];
  return { ...at, words: all, offsite: { ...at, storeDir } };
}

function filesIn({ storeDir }: Place): string[] {
  return readdirSync(storeDir, { recursive: true }).map(String).sort();
}

function dataOf({ storeDir }: Place, manifest: Manifest): string {
  return join(storeDir, manifest.sealed.object);
}

describe('copy', () => {
  test.each([
    ['copy-all.txt', ['--all']],
    ['copy-all.json', ['--all', '--json']],
    ['copy-latest.txt', ['latest']],
  ])('answers as committed: %s', async (name, words) => {
    const at = twoStores();
    await stockThree(at);

    const told = await call(['copy', ...words, '--from=local', '--to=offsite', ...at.words]);

    expect(told).toMatchObject({ code: 'success', err: '' });
    expectGolden(name, told.out);
  });

  test('copies every backup that is named, and nothing else', async () => {
    const at = twoStores();
    const three = await stockThree(at);
    const ids = three.slice(0, 2).map(({ id }) => id);

    const told = await call(['copy', ...ids, '--from=local', '--to=offsite', ...at.words]);

    expect(told.code).toBe('success');
    const files = ids.flatMap((id) => filesOf(id).map((file) => `${owner}/${file}`));
    expect(filesIn(at.offsite)).toEqual([owner, ...files]);
  });

  test('copies of every cluster, or of the named one', async () => {
    const at = twoStores();
    await stock(at, { startedAt: '2026-11-18T15:45:00Z' });
    await stock(at, { startedAt: '2026-11-19T15:45:00Z', cluster: stranger });
    const words = ['copy', '--all', '--from=local', '--to=offsite', ...at.words];

    await call([...words, '--cluster=1']);
    const named = readdirSync(at.offsite.storeDir);
    await call(words);

    expect(named).toEqual([stranger]);
    expect(readdirSync(at.offsite.storeDir).sort()).toEqual([stranger, owner].sort());
  });

  test('goes on when one backup fails, and ends with its status', async () => {
    const at = twoStores();
    const [damaged, whole] = await stockThree(at);
    writeFileSync(dataOf(at, damaged!), 'SEALED BYTES');

    const told = await call(['copy', '--all', '--from=local', '--to=offsite', ...at.words]);

    expect(told.code).toBe('object-damaged');
    expect(told.err).toContain(`${damaged?.id}: local: `);
    expect(told.out).toMatch(/failed: .*\n.* copied\n.* not proved\n$/);
    expect(filesIn(at.offsite)).toContain(`${owner}/${whole?.id}.json`);
    expect(filesIn(at.offsite)).not.toContain(`${owner}/${damaged?.id}.json`);
  });

  test('refuses a named backup that is not proved', async () => {
    const at = twoStores();
    const [, , disputed] = await stockThree(at);

    const told = await call(['copy', disputed!.id, '--from=local', '--to=offsite', ...at.words]);

    expect(told.code).toBe('backup-missing');
    expect(told.err).toContain('is not proved');
  });

  test('repairs only when it is asked to', async () => {
    const at = twoStores();
    const manifest = await stock(at, { startedAt: '2026-11-18T15:45:00Z' });
    const words = ['copy', 'latest', '--from=local', '--to=offsite', ...at.words];
    await call(words);
    rmSync(dataOf(at.offsite, manifest));

    const [refused, repaired] = [await call(words), await call([...words, '--repair'])];

    expect([refused.code, repaired.code]).toEqual(['object-missing', 'success']);
    expect(repaired.out).toContain('repaired');
  });

  test.each([
    ['copy takes backups, or --all', ['--from=local', '--to=offsite']],
    ['copy takes backups, or --all', ['latest', '--all', '--from=local', '--to=offsite']],
    ['copy takes --to STORE; there are: local, offsite', ['latest', '--from=local']],
    ['--from and --to name the same store', ['latest', '--from=local', '--to=local']],
    ['no store is named "tape"; there are: local, offsite', ['--all', '--from=tape', '--to=local']],
  ])('is told what is wrong: %s', async (complaint, words) => {
    const told = await call(['copy', ...words, ...twoStores().words]);

    expect([told.code, complaintOf(told)]).toEqual(['usage', complaint]);
  });
});

describe('heal', () => {
  const rules = { 'cluster.name': 'production' };

  test.each([
    ['heal-dry-run.txt', ['--dry-run']],
    ['heal-dry-run.json', ['--dry-run', '--json']],
    ['heal.txt', []],
    ['heal.json', ['--json']],
  ])('answers as committed: %s', async (name, words) => {
    const at = twoStores(rules);
    await stockThree(at);
    await stock(at.offsite, { startedAt: '2026-11-17T15:45:00Z' });

    const told = await call(['heal', ...words, ...at.words]);

    expect(told).toMatchObject({ code: 'success', err: '' });
    expectGolden(name, told.out);
  });

  test('copies nothing in a dry run, and everything once without', async () => {
    const at = twoStores(rules);
    await stockThree(at);

    await call(['heal', '--dry-run', ...at.words]);
    const dry = filesIn(at.offsite);
    await call(['heal', ...at.words]);
    const again = await call(['heal', '--json', ...at.words]);

    expect(dry).toEqual([]);
    expect(filesIn(at.offsite)).toHaveLength(5);
    expect(JSON.parse(again.out)).toEqual({
      copies: [],
      missing: { local: 0, offsite: 0 },
      unread: [],
    });
  });

  test('heals an older cluster only when it is named', async () => {
    const at = twoStores(rules);
    await stock(at, { startedAt: '2026-11-18T15:45:00Z', cluster: stranger });
    await stock(at, { startedAt: '2026-11-19T15:45:00Z' });

    await call(['heal', ...at.words]);
    const ours = readdirSync(at.offsite.storeDir);
    await call(['heal', '--cluster=1', ...at.words]);

    expect(ours).toEqual([owner]);
    expect(readdirSync(at.offsite.storeDir).sort()).toEqual([stranger, owner].sort());
  });

  test('ends with the status of what failed', async () => {
    const at = twoStores(rules);
    const manifest = await stock(at, { startedAt: '2026-11-18T15:45:00Z' });
    writeFileSync(dataOf(at, manifest), 'SEALED BYTES');

    const told = await call(['heal', ...at.words]);

    expect(told.code).toBe('object-damaged');
    expect(told.out).toContain('failed: local: ');
  });

  test('of a store that cannot be read is no success', async () => {
    const at = twoStores(rules);
    await stockThree(at);
    rmSync(at.offsite.storeDir, { recursive: true });
    writeFileSync(at.offsite.storeDir, 'no folder');
    chmodSync(at.offsite.storeDir, 0o600);

    const told = await call(['heal', '--json', ...at.words]);

    expect(told.code).toBe('store-failed');
    expect(JSON.parse(told.out)).toMatchObject({ unread: ['offsite'] });
  });

  test('of stores without a backup says that there is nothing', async () => {
    const told = await call(['heal', ...twoStores(rules).words]);

    expect(told).toMatchObject({ code: 'success', out: 'BACKUP  STORE  FROM  SIZE  RESULT\n' });
  });
});
