import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { call, complaintOf, expectGolden, place } from './calling.ts';
import { owner, stock, stockThree, stranger, today } from './stocked.ts';

// Only the calendar stands still: timers and limits go on.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: today }));
afterEach(() => void vi.useRealTimers());

const headings = {
  list: 'BACKUP  AGE  SIZE  REVISION  KEYS  PROOFS  READ  STORE  NOTE\n',
  verify: 'BACKUP  STORE  VERDICT  DETAIL\n',
  prune: 'BACKUP  STORE  DECISION  REASON\n',
};

/** Rules under which a plan removes something. */
const strict = {
  'retention.keepLast': '1',
  'retention.keepWithin': '0s',
  'retention.hourly': '0',
  'retention.daily': '0',
  'retention.weekly': '0',
  'retention.monthly': '0',
  'retention.minimum': '1',
};

/** The data of a call that ended well and said nothing beside it. */
async function dataOf(words: readonly string[]): Promise<string> {
  const told = await call(words);
  expect(told).toMatchObject({ code: 'success', err: '' });
  return told.out;
}

describe('of a store without a backup', () => {
  test.each([
    ['list', ['list'], headings.list],
    ['list --json', ['list', '--json'], '[]\n'],
    ['verify --all', ['verify', '--all'], headings.verify],
    ['verify --all --json', ['verify', '--all', '--json'], '[]\n'],
    ['prune --dry-run', ['prune', '--dry-run'], headings.prune],
    ['prune --json', ['prune', '--json'], '[]\n'],
  ])('%s prints that there is none', async (_, command, expected) => {
    const at = place();

    expect(await dataOf([...command, ...at.words])).toBe(expected);
  });

  test.each([
    ['show', []],
    ['verify', []],
    ['hold', ['--release']],
  ])('%s latest has nothing to name', async (command, rest) => {
    const told = await call([command, 'latest', ...rest, ...place().words]);

    expect(told).toMatchObject({ code: 'backup-missing', out: '' });
    expect(complaintOf(told)).toBe('no proved backup in any store that could be read');
  });
});

describe('of a store with backups', () => {
  test.each([
    ['list.txt', ['list']],
    ['list.json', ['list', '--json']],
    ['show.txt', ['show', 'latest']],
    ['show.json', ['show', 'latest', '--json']],
    ['prune.txt', ['prune', '--dry-run']],
    ['prune.json', ['prune', '--dry-run', '--json']],
    ['verify.txt', ['verify', '--all']],
    ['verify.json', ['verify', '--all', '--json']],
  ])('the answer is as committed: %s', async (name, command) => {
    const at = place(strict);
    await stockThree(at);
    const silent = command[0] === 'verify' ? ['--log.level=error'] : [];

    const data = await dataOf([...command, ...at.words, ...silent]);

    expectGolden(name, data.replaceAll(at.dir, '/place'));
  });

  test('latest is the newest proved one, not the newest', async () => {
    const at = place();
    const [, held, newest] = await stockThree(at);

    const [{ manifest }] = JSON.parse(await dataOf(['show', 'latest', '--json', ...at.words]));

    expect(manifest.id).toBe(held?.id);
    expect(manifest.id).not.toBe(newest?.id);
  });

  test('a backup is found by its id', async () => {
    const at = place();
    const [oldest] = await stockThree(at);

    const [{ store, manifest }] = JSON.parse(
      await dataOf(['show', `${oldest?.id}`, '--json', ...at.words]),
    );

    expect({ store, id: manifest.id }).toEqual({ store: 'local', id: oldest?.id });
  });

  test('an id that is nowhere is told', async () => {
    const at = place();
    await stockThree(at);
    const id = '20261120T154500Z-r00000000000000001-abcd';

    const told = await call(['show', id, ...at.words]);

    expect(told).toMatchObject({ code: 'backup-missing', out: '' });
    expect(complaintOf(told)).toBe(`no backup ${id} in any store that could be read`);
  });

  test('one cluster is listed alone when it is named', async () => {
    const at = place();
    await stock(at, { startedAt: '2026-11-19T15:45:00Z' });
    const strange = await stock(at, { startedAt: '2026-11-18T15:45:00Z', cluster: stranger });

    const all = JSON.parse(await dataOf(['list', '--json', ...at.words]));
    const one = JSON.parse(await dataOf(['list', '--json', '--cluster', '1', ...at.words]));

    expect(all).toHaveLength(2);
    expect(one).toMatchObject([{ id: strange.id, cluster: { id: stranger } }]);
  });

  test('prune of several clusters asks which, and removes nothing', async () => {
    const at = place({ 'retention.minimum': '1', 'retention.keepWithin': '0s' });
    await stock(at, { startedAt: '2026-11-19T15:45:00Z' });
    await stock(at, { startedAt: '2026-11-18T15:45:00Z', cluster: stranger });

    const told = await call(['prune', ...at.words]);

    expect(told).toMatchObject({ code: 'usage', out: '' });
    expect(complaintOf(told)).toBe(
      `the stores hold several clusters, name one: ${stranger}, ${owner}`,
    );
    expect(told.err).toContain(`Try: etcd-backupd prune --dry-run --cluster ${stranger}\n`);
    expect(JSON.parse(await dataOf(['list', '--json', ...at.words]))).toHaveLength(2);
  });
});

describe('prune', () => {
  test('with --dry-run changes nothing, and without it does what was shown', async () => {
    const at = place(strict);
    for (const day of [16, 17, 18]) await stock(at, { startedAt: `2026-11-${day}T00:00:00Z` });
    const listed = () => dataOf(['list', '--json', ...at.words]);
    const before = await listed();

    const planned = await dataOf(['prune', '--dry-run', '--json', ...at.words]);
    expect(await listed()).toBe(before);
    const done = await call(['prune', '--json', ...at.words]);

    expect(done).toMatchObject({ code: 'success', out: planned });
    const kept = JSON.parse(await listed()).map(({ id }: { id: string }) => id);
    expect(kept).toEqual(['20261118T000000Z-r00000000000055919-abcd']);
    expect(JSON.parse(planned)[0].plan.filter((row: { keep: boolean }) => !row.keep)).toHaveLength(
      2,
    );
  });
});

describe('hold', () => {
  const holdsIn = async (words: readonly string[]): Promise<unknown[]> =>
    JSON.parse(await dataOf(['list', '--json', ...words])).map(({ hold }: Held) => hold?.reason);

  test('marks a backup with the reason, and releases it again', async () => {
    const at = place();
    const { id } = await stock(at, { startedAt: '2026-11-19T15:45:00Z' });

    const held = await call(['hold', 'latest', '--reason', ' an audit ', ...at.words]);
    const during = await holdsIn(at.words);
    const released = await call(['hold', id, '--release', ...at.words]);

    expect(held).toMatchObject({ code: 'success', out: `${id} local held\n` });
    expect(during).toEqual(['an audit']);
    expect(released).toMatchObject({ code: 'success', out: `${id} local released\n` });
    expect(await holdsIn(at.words)).toEqual([undefined]);
  });
});

interface Held {
  readonly hold: { readonly reason: string } | null;
}
