/** What a dead store missed comes from the others, without anybody's help. */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyBackup } from '../../src/engine/verify.ts';
import { type RunningDaemon, startDaemonProcess } from '../support/daemon.ts';
import { canMount, disk, fillUp } from '../support/disk.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Worker, type Workplace, worker, workplace } from '../support/house.ts';
import { fill } from '../support/workload.ts';

const { signal } = new AbortController();
const preload = join(import.meta.dirname, '..', 'support', 'kill-at.ts');
const MiB = 1024 * 1024;

interface Stores extends Workplace {
  readonly offsite: string;
}

/** Stores `local`, and `offsite` at the given folder. */
function twoStores(etcd: TestCluster, folder = 'offsite'): Stores {
  const place = workplace(etcd);
  const offsite = join(place.dir, folder);
  mkdirSync(offsite, { mode: 0o700, recursive: true });
  place.settings['stores'] = JSON.stringify([
    { name: 'local', type: 'file', path: place.storeDir },
    { name: 'offsite', type: 'file', path: offsite },
  ]);
  return { ...place, offsite, [Symbol.dispose]: () => place[Symbol.dispose]() };
}

/** Ids in a store, the oldest first; each is read back byte by byte, and nothing else is there. */
async function wholeBackups(engine: Worker, name: string): Promise<readonly string[]> {
  const { deps } = engine;
  const { clusterId } = await deps.cluster.survey({ signal });
  const { store } = deps.shelves.find((shelf) => shelf.store.name === name)!;
  const catalog = deps.openCatalog(store, clusterId);
  const { backups, faults } = await catalog.backups({ signal });
  expect(faults).toEqual([]);
  for (const { id } of backups) {
    expect(await verifyBackup(catalog, id, deps, { deep: false, signal })).toMatchObject({
      outcome: 'passed',
    });
  }
  return backups.map(({ id }) => id);
}

/** Until so many were copied, and nothing is missing any more. */
async function untilHealed(daemon: RunningDaemon, copied: number): Promise<void> {
  for (let heals = 1; ; heals += 1) {
    const ended = await daemon.until('heal-finished', heals);
    const isWhole = (ended['missing'] as Record<string, number>)['offsite'] === 0;
    if (isWhole && daemon.of('backup-copied').length >= copied) return;
  }
}

const missing = 'etcd_backup_store_missing_backups{store="offsite"}';
const everySecond = '* * * * * *';
const often = { 'schedule.cron': '*/3 * * * * *', 'heal.cron': everySecond, 'log.level': 'debug' };

describe.concurrent('the daemon', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await fill(etcd, { bytes: 12 * MiB });
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('makes up for what a store missed while its disk was away', async () => {
    using place = twoStores(etcd);
    const away = `${place.offsite}.away`;
    await using daemon = await startDaemonProcess(place, { settings: often });
    await daemon.until('run-finished');
    renameSync(place.offsite, away);

    await daemon.until('backup-not-stored', 2);
    const lacking = await daemon.metric(missing);
    renameSync(away, place.offsite);
    await untilHealed(daemon, 2);
    await daemon.stop();

    expect(lacking).toBeGreaterThan(0);
    await using engine = worker(place);
    const lost = daemon.of('backup-not-stored').map(({ id }) => id as string);
    const offsite = await wholeBackups(engine, 'offsite');
    for (const id of lost.slice(0, 2)) expect(offsite).toContain(id);
  });

  test('makes up for it when it starts, and says that nothing is missing', async () => {
    using place = twoStores(etcd);
    await using engine = worker(place);
    for (let taken = 0; taken < 3; taken += 1) await engine.backup();
    rmSync(join(place.offsite, readdirSync(place.offsite)[0]!), { recursive: true });
    const never = { 'schedule.cron': '0 0 1 1 *', 'schedule.catchUp': 'false' };

    await using daemon = await startDaemonProcess(place, { settings: never });
    await untilHealed(daemon, 3);
    const lacking = await daemon.metric(missing);
    const stock = await daemon.metric('etcd_backup_store_backups{store="offsite"}');
    await daemon.stop();

    expect([lacking, stock]).toEqual([0, 3]);
    expect(await wholeBackups(engine, 'offsite')).toEqual(await wholeBackups(engine, 'local'));
    const [newest] = daemon.of('backup-copied').map(({ id }) => id);
    expect(newest).toBe((await wholeBackups(engine, 'local')).at(-1));
  });

  test.runIf(canMount())('makes up for what did not fit on a full disk', async () => {
    using place = workplace(etcd);
    using small = disk(place, 'small', 256 * MiB);
    place.settings['stores'] = JSON.stringify([
      { name: 'local', type: 'file', path: place.storeDir },
      { name: 'offsite', type: 'file', path: small.path },
    ]);
    fillUp(small.path);
    await using daemon = await startDaemonProcess(place, { settings: often });

    await daemon.until('backup-not-stored');
    rmSync(join(small.path, 'ballast'));
    await untilHealed(daemon, 1);
    await daemon.stop();

    expect(daemon.of('backup-not-stored')[0]).toMatchObject({ failure: { code: 'store-full' } });
    await using engine = worker(place);
    const [lost] = daemon.of('backup-not-stored').map(({ id }) => id as string);
    expect(await wholeBackups(engine, 'offsite')).toContain(lost);
  });
});

const moments = ['event copy of', 'name .db', 'named .db', 'name .json', 'named .json'];

describe('a heal killed by SIGKILL', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await fill(etcd, { bytes: 12 * MiB });
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test.for(moments)('at "%s" leaves only whole backups, and the next one ends it', async (at) => {
    using place = twoStores(etcd);
    place.settings['log.level'] = 'trace';
    await using engine = worker(place);
    for (let taken = 0; taken < 2; taken += 1) await engine.backup();
    rmSync(join(place.offsite, readdirSync(place.offsite)[0]!), { recursive: true });
    const options = { nodeArgs: ['--import', preload], env: { KILL_AT: at } };

    const killed = await runProgram(['heal', ...place.words()], options);
    const left = await wholeBackups(engine, 'offsite');
    const healed = await runProgram(['heal', ...place.words()]);

    expect(killed).toMatchObject({ signal: 'SIGKILL' });
    const whole = await wholeBackups(engine, 'local');
    expect(left).toEqual(at === 'named .json' ? whole.slice(-1) : []);
    expect(healed.code).toBe(0);
    expect(await wholeBackups(engine, 'offsite')).toEqual(whole);
  });
});
