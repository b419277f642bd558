/** Several stores at once: one that hangs, fails or is slow, and what the others have of it. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeBackup } from '../../src/engine/backup.ts';
import { limitRate } from '../../src/store/limit-rate.ts';
import { ask, startAsked } from '../support/asked-daemon.ts';
import { type RunningDaemon, startDaemonProcess } from '../support/daemon.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, worker, workplace } from '../support/house.ts';
import { type ScriptedServer, scriptedServer } from '../support/s3-server.ts';
import { copying } from '../support/slow-store.ts';
import { fill } from '../support/workload.ts';

const mebibyte = 1024 * 1024;

describe.concurrent('of several stores', () => {
  let etcd: TestCluster;
  let silent: ScriptedServer;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await fill(etcd, { bytes: 12 * mebibyte });
    // Takes every request and never answers one.
    silent = await scriptedServer(() => {});
  });
  afterAll(async () => {
    await silent[Symbol.asyncDispose]();
    await etcd[Symbol.asyncDispose]();
  });

  /** Beside the local store, a bucket whose server hangs: it alone would wait for ten minutes. */
  function placeWithHungStore(): Workplace {
    const place = workplace(etcd);
    const [idFile, secretFile] = ['id', 'secret'].map((name) => join(place.dir, name));
    for (const file of [idFile, secretFile]) writeFileSync(file ?? '', 'a-key', { mode: 0o600 });
    const cloud = {
      name: 'cloud',
      type: 's3',
      stallTimeout: '8s',
      s3: {
        bucket: 'backups',
        endpoint: silent.url,
        insecureHttp: true,
        stallTimeout: '10m',
        credentials: { accessKeyIdFile: idFile, secretAccessKeyFile: secretFile },
      },
    };
    const local = { name: 'local', type: 'file', path: place.storeDir };
    place.settings['stores'] = JSON.stringify([cloud, local]);
    place.settings['heal.enabled'] = 'false';
    return place;
  }

  test('one that hangs costs the others nothing, and the daemon goes on', async () => {
    using place = placeWithHungStore();
    await using daemon = await startDaemonProcess(place, {
      settings: { 'schedule.cron': '*/2 * * * * *', 'log.level': 'trace' },
    });

    await daemon.until('run-finished', 2);

    const [committed, failed] = ['backup-committed', 'backup-not-stored'].map((event) =>
      daemon.lines.findIndex((line) => line.event === event),
    );
    // The one is done before the limit of the other is over.
    expect(committed).toBeLessThan(failed ?? -1);
    expect(daemon.of('backup-not-stored')[0]).toMatchObject({
      store: 'cloud',
      failure: {
        code: 'timed-out',
        message: expect.stringMatching(/^store cloud \(s3 .*\): nothing moved for .* putting/),
      },
    });
    const runs = daemon.of('run-finished').slice(0, 2);
    expect(runs.map(({ result }) => result)).toEqual(['partial', 'partial']);
    const kept = daemon.of('backup-committed').slice(0, 2);
    expect(kept).toMatchObject(runs.map(({ id }) => ({ store: 'local', backup: { id } })));

    const metric = (name: string) => daemon.metric(`etcd_backup_${name}`);
    expect(await metric('store_up{store="local"}')).toBe(1);
    expect(await metric('store_up{store="cloud"}')).toBe(0);
    expect(await metric('runs_total{result="partial"}')).toBeGreaterThanOrEqual(2);
    expect(await metric('failures_total{code="timed-out"}')).toBeGreaterThanOrEqual(2);
    expect(await metric('last_success_timestamp_seconds{store="local"}')).toBeGreaterThan(1e9);
    expect(await metric('last_success_timestamp_seconds{store="cloud"}')).toBe(0);
  });

  test('the one that hung is named by the command, which ends with its code', async () => {
    using place = placeWithHungStore();

    const { code, stdout, stderr } = await runProgram(['backup', '--json', ...place.words()]);

    expect(code).toBe(63);
    expect(JSON.parse(stdout)).toMatchObject({
      result: 'partial',
      stores: [
        { store: 'cloud', stored: false, code: 'timed-out' },
        { store: 'local', stored: true, code: null },
      ],
    });
    expect(stderr.match(/store cloud .*nothing moved/g)).toHaveLength(1);
  });

  test('each one is up or down for itself, and up again with the next backup', async () => {
    using place = workplace(etcd);
    const folders = ['left', 'right'].map((name) => join(place.dir, name));
    const stores = folders.map((path) => ({ name: path.split('/').at(-1), type: 'file', path }));
    place.settings['stores'] = JSON.stringify(stores);
    // Each store is to be as the runs leave it.
    place.settings['heal.enabled'] = 'false';
    const [left = '', right = ''] = folders;
    await using daemon = await startAsked(place, { 'schedule.retries': '0' });
    let runs = 0;
    const upAfterRun = async () => {
      runs += 1;
      await ask(daemon);
      await daemon.until('run-finished', runs);
      return upOf(daemon, ['left', 'right']);
    };

    expect(await upAfterRun()).toEqual([1, 1]);
    renameSync(left, `${left}.away`);
    expect(await upAfterRun()).toEqual([0, 1]);
    renameSync(`${left}.away`, left);
    expect(await upAfterRun()).toEqual([1, 1]);

    // It can be read, and takes nothing: a file is where its folder was.
    const [folder = ''] = readdirSync(right);
    renameSync(join(right, folder), join(place.dir, 'kept'));
    writeFileSync(join(right, folder), '');
    expect(await upAfterRun()).toEqual([1, 0]);
    rmSync(join(right, folder));
    renameSync(join(place.dir, 'kept'), join(right, folder));
    expect(await upAfterRun()).toEqual([1, 1]);
    expect(daemon.of('run-finished').map(({ result }) => result)).toEqual([
      'success',
      'partial',
      'success',
      'partial',
      'success',
    ]);
  });

  test('the slow one does not hold up the stream of the member', async () => {
    using place = workplace(etcd);
    const stop = new AbortController();
    let takenBytes = 0;
    let drained: { readonly sizeBytes: number; readonly takenBytes: number } | undefined;
    await using engine = worker(place, (event) => {
      if (event.kind !== 'snapshot-drained') return;
      drained = { sizeBytes: event.sizeBytes, takenBytes };
    });
    const [local] = engine.deps.shelves;
    if (local === undefined) throw new Error('no store');
    mkdirSync(join(place.dir, 'slow'));
    const slow = copying(join(place.dir, 'slow'), (bytes) => {
      takenBytes += bytes;
    });
    const limited = limitRate(slow, { upload: 1_000_000, download: null });
    const shelves = [local, { ...local, store: limited }];
    const order = { trigger: 'request', slot: null, attempt: 1, skipUnchangedMs: 0 } as const;
    const observe: typeof engine.deps.observe = (event) => {
      engine.deps.observe(event);
      // Half a minute more would tell nothing new.
      if (event.kind === 'backup-committed') stop.abort(new Error('seen enough'));
    };

    const run = takeBackup(order, { ...engine.deps, shelves, observe }, { signal: stop.signal });
    await expect(run).rejects.toThrow('seen enough');

    expect(drained?.sizeBytes).toBeGreaterThan(10 * mebibyte);
    expect(drained?.takenBytes).toBeLessThan((drained?.sizeBytes ?? 0) / 4);
    expect(engine.of('backup-committed').map(({ store }) => store)).toEqual(['local']);
    expect(takenBytes).toBeLessThan((drained?.sizeBytes ?? 0) / 2);
    expect(readdirSync(place.spoolDir)).toEqual([]);
  });
});

function upOf(daemon: RunningDaemon, stores: readonly string[]): Promise<number[]> {
  return Promise.all(
    stores.map((store) => daemon.metric(`etcd_backup_store_up{store="${store}"}`)),
  );
}
