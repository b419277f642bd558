/** A daemon with a folder and a bucket, through all that happens to buckets: keys turn, lines die. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, startAsked } from '../support/asked-daemon.ts';
import { type Ceph, type CephKeys, cephHere, startCeph } from '../support/ceph.ts';
import type { LogLine, RunningDaemon } from '../support/daemon.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { type Workplace, workplace } from '../support/house.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { makeBucket, openUploads } from '../support/s3.ts';
import { fill } from '../support/workload.ts';

const { packages, skip } = await cephHere('sid');

describe.skipIf(skip !== undefined)(`a daemon with a bucket${skip ? ` (${skip})` : ''}`, () => {
  let ceph: Ceph;
  let etcd: TestCluster;
  beforeAll(async () => {
    if (packages === undefined) return;
    ceph = await startCeph(packages);
    etcd = await cluster('3.5');
    // More than one part of an upload.
    await fill(etcd, { bytes: 24 * 1024 ** 2 });
  });
  afterAll(async () => {
    await ceph?.[Symbol.asyncDispose]();
    await etcd?.[Symbol.asyncDispose]();
  });

  function saveKeys(place: Workplace, keys: CephKeys): void {
    const folder = join(place.dir, 's3');
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of Object.entries(keys)) {
      writeFileSync(join(folder, file), `${text}\n`, { mode: 0o600 });
    }
  }

  interface Rig extends AsyncDisposable {
    readonly place: Workplace;
    readonly proxy: FaultProxy;
    readonly daemon: RunningDaemon;
    readonly keys: CephKeys;
    /** Takes a backup; the lines that it told. */
    run(): Promise<LogLine[]>;
    /** `store_up` of the folder and of the bucket. */
    up(): Promise<number[]>;
  }

  /** A user, whose bucket has his name, behind a proxy. */
  async function startRig(user: string): Promise<Rig> {
    const opened = new AsyncDisposableStack();
    const keys = await ceph.user(user);
    await makeBucket(ceph.url, keys, user);
    const place = opened.use(workplace(etcd));
    const proxy = opened.use(await startProxy(ceph.url));
    saveKeys(place, keys);
    const s3 = {
      bucket: user,
      prefix: 'prod',
      endpoint: proxy.url,
      insecureHttp: true,
      stallTimeout: '3s',
      credentials: {
        accessKeyIdFile: join(place.dir, 's3', 'accessKeyId'),
        secretAccessKeyFile: join(place.dir, 's3', 'secretAccessKey'),
      },
    };
    place.settings['stores'] = JSON.stringify([
      { name: 'local', type: 'file', path: place.storeDir },
      { name: 'cloud', type: 's3', s3, stallTimeout: '1m' },
    ]);
    place.settings['retention.orphanGrace'] = '1s';
    // What the bucket missed shall not come to it between two runs: it would be counted.
    place.settings['heal.enabled'] = 'false';
    const daemon = opened.use(await startAsked(place, { 'schedule.retries': '0' }));
    let [runs, seen] = [0, 0];
    const run = async () => {
      seen = daemon.lines.length;
      runs += 1;
      await ask(daemon);
      await daemon.until('run-finished', runs);
      return daemon.lines.slice(seen);
    };
    const up = () => {
      const series = ['local', 'cloud'].map((name) => `etcd_backup_store_up{store="${name}"}`);
      return Promise.all(series.map((name) => daemon.metric(name)));
    };
    const dispose = () => opened.disposeAsync();
    return { place, proxy, daemon, keys, run, up, [Symbol.asyncDispose]: dispose };
  }

  const resultOf = (lines: readonly LogLine[]) =>
    lines.find(({ event }) => event === 'run-finished')?.['result'];
  const refusals = (lines: readonly LogLine[]) =>
    lines.filter(({ event }) => event === 'backup-not-stored');

  test('goes on with keys that were turned on disk, without a restart', async () => {
    await using rig = await startRig('turning');
    expect(resultOf(await rig.run())).toBe('success');

    const next = { accessKeyId: 'NEXTTURN', secretAccessKey: 'the-next-secret' };
    const { accessKeyId, secretAccessKey } = next;
    await ceph.run(
      `admin key create --uid=turning --access-key=${accessKeyId} --secret-key=${secretAccessKey}`,
    );
    await ceph.run(`admin key rm --uid=turning --access-key=${rig.keys.accessKeyId}`);
    saveKeys(rig.place, next);

    expect(resultOf(await rig.run())).toBe('success');
    expect(await rig.up()).toEqual([1, 1]);
    expect(rig.daemon.of('catalog-unreadable')).toEqual([]);
  });

  test('says in one line that a key is wrong, is down with it, and up once it is right', async () => {
    await using rig = await startRig('mistaken');
    expect(resultOf(await rig.run())).toBe('success');
    expect(await rig.up()).toEqual([1, 1]);

    saveKeys(rig.place, { ...rig.keys, secretAccessKey: 'not-to-be-printed' });
    const bad = await rig.run();

    expect(resultOf(bad)).toBe('partial');
    expect(refusals(bad)).toMatchObject([
      {
        store: 'cloud',
        msg: expect.stringMatching(/^backup \S+ is NOT in store cloud: .*SignatureDoesNotMatch/),
        failure: { code: 'store-denied' },
      },
    ]);
    expect(bad.map(({ msg }) => msg).join()).not.toMatch(/\n|not-to-be-printed/);
    expect(await rig.up()).toEqual([1, 0]);
    expect(await rig.daemon.metric('etcd_backup_failures_total{code="store-denied"}')).toBe(2);

    saveKeys(rig.place, rig.keys);
    expect(resultOf(await rig.run())).toBe('success');
    expect(await rig.up()).toEqual([1, 1]);
  });

  test.each([
    ['begins', /^POST \S+[?&]uploads/],
    ['sends the second part of', /^PUT \S+partNumber=2&/],
    ['completes', /^POST \S+uploadId=/],
  ])('keeps the folder going while a server hangs that it %s an upload to', async (_, request) => {
    const user = `hung${Math.random().toString(16).slice(2, 8)}`;
    await using rig = await startRig(user);
    expect(resultOf(await rig.run())).toBe('success');
    const hanging = rig.proxy.injectBehind(request, { kind: 'silence' });

    const lines = await rig.run();
    await hanging;

    expect(resultOf(lines)).toBe('partial');
    const order = lines
      .filter(({ event }) => /^backup-(committed|not-stored)$/.test(event))
      .map(({ event, store }) => [event, store]);
    expect(order).toEqual([
      ['backup-committed', 'local'],
      ['backup-not-stored', 'cloud'],
    ]);
    expect(await rig.up()).toEqual([1, 0]);

    rig.proxy.inject({ kind: 'pass' });
    expect(resultOf(await rig.run())).toBe('success');
    expect(await rig.up()).toEqual([1, 1]);
    const cloud = rig.daemon.of('catalog-read').findLast(({ store }) => store === 'cloud');
    expect(cloud).toMatchObject({ backups: 2, faults: 0 });
    // What was begun in the second before the last sweep is left to the next one.
    await sleep(1500);
    expect(resultOf(await rig.run())).toBe('success');
    expect(await openUploads(ceph.url, rig.keys, 'prod', user)).toEqual([]);
  });
});
