import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../../src/cluster/loopback.ts';
import { startEtcdCluster } from '../../src/cluster/servers.ts';
import { ask, startAsked } from '../support/asked-daemon.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import { cluster, etcdctl, type TestCluster } from '../support/etcd.ts';
import { type Workplace, workplace } from '../support/house.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { seed } from '../support/workload.ts';

const token = 'the-token-of-whoever-restores';
// A restore of these few keys takes less than a second.
const limitMs = 30_000;
const alone = 'm1=http://127.0.0.1:1';
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

/** A daemon that has taken one backup and may restore below the folder `root`. */
async function backedUp(
  place: Workplace,
  settings: Record<string, string> = {},
): Promise<{ daemon: RunningDaemon; root: string }> {
  const root = join(place.dir, 'root');
  mkdirSync(root);
  const file = join(place.dir, 'restore-token');
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  const allowed = { 'http.tokens.restore': file, 'restore.roots': root };
  const daemon = await startAsked(place, { ...allowed, ...settings });
  await ask(daemon);
  await daemon.until('run-finished');
  return { daemon, root };
}

function restore(daemon: RunningDaemon, body: object): Promise<Response> {
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  return daemon.get('/v1/restores', init);
}

describe.concurrent('a restore over the API', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await seed(etcd);
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('makes a data directory that etcd serves, and tells of it', async () => {
    using place = workplace(etcd);
    const { daemon, root } = await backedUp(place);
    await using _stopped = daemon;
    const [port] = await freePorts(1);
    const peerUrl = `http://127.0.0.1:${port}`;
    const dataDir = join(root, 'm1');

    const initialCluster = [{ name: 'm1', peerUrls: [peerUrl] }];
    const answer = await restore(daemon, { dataDir, initialCluster });
    const taken = (await answer.json()) as { id: string };
    const { msg } = await daemon.until('restore-finished', 1, limitMs);
    const location = answer.headers.get('location') ?? '';
    const record = await (await daemon.get(location, { headers })).json();

    expect([answer.status, location]).toEqual([202, `/v1/restores/${taken.id}`]);
    expect(record).toMatchObject({
      id: taken.id,
      state: 'succeeded',
      stage: null,
      problem: null,
      report: { dataDir, store: 'local', aside: null, member: { name: 'm1' }, passedOver: [] },
    });
    expect(msg).toContain(dataDir);
    const [, audit] = daemon.of('call-made');
    expect(audit).toMatchObject({ who: 'restore', status: 202, target: dataDir });
    expect(audit?.msg).toContain(`/v1/restores for ${dataDir} by restore`);

    const { binaries } = etcd;
    const start = { binary: binaries.etcd, dataDir: root, members: ['m1'], peerUrls: [peerUrl] };
    await using restored = await startEtcdCluster(start);
    const everything = ['get', '', '--prefix'];
    const { clientUrls: endpoints } = restored;
    const served = await etcdctl(etcd, everything, { endpoints });
    expect(served.length).toBeGreaterThan(100);
    expect(served).toBe(await etcdctl(etcd, everything));
  });

  test('is refused at once outside of the roots, and later where something is missing', async () => {
    using place = workplace(etcd);
    const { daemon, root } = await backedUp(place);
    await using _stopped = daemon;
    const before = readdirSync(place.dir);
    const initialCluster = 'a=http://127.0.0.1:1,b=http://127.0.0.1:2';

    const outside = await restore(daemon, { dataDir: join(place.dir, 'etcd'), force: true });
    const vague = await restore(daemon, { dataDir: join(root, 'etcd'), name: 'a', initialCluster });
    await daemon.until('restore-failed', 1, limitMs);
    const location = vague.headers.get('location') ?? '';
    const record = await (await daemon.get(location, { headers })).json();

    expect([outside.status, vague.status]).toEqual([409, 202]);
    expect(await outside.json()).toMatchObject({ code: 'restore-refused' });
    expect(record).toMatchObject({
      state: 'failed',
      stage: 'choose',
      report: null,
      problem: {
        code: 'usage',
        detail: 'a, b need one token, the same on every host',
        hint: expect.stringContaining('initialClusterToken'),
      },
    });
    expect(daemon.of('restore-failed')).toHaveLength(1);
    expect([readdirSync(root), readdirSync(place.dir)]).toEqual([[], before]);
  });

  test('does not wait for a backup that takes its time', async () => {
    using place = workplace(etcd);
    await using proxy = await startProxy(etcd.clientUrls[0] ?? '');
    const { daemon, root } = await backedUp(place, { 'cluster.endpoints': proxy.url });
    await using _stopped = daemon;
    await beginSlowly(daemon, proxy);

    await restore(daemon, { dataDir: join(root, 'etcd'), initialCluster: alone, dryRun: true });
    await daemon.until('restore-finished', 1, limitMs);

    expect(daemon.of('run-started')).toHaveLength(2);
    expect(daemon.of('run-finished')).toHaveLength(1);
    expect(daemon.of('run-failed')).toEqual([]);
    expect(readdirSync(root)).toEqual([]);
  });

  test('is aborted at the signal that lets the backup finish, and nothing is left', async () => {
    using place = workplace(etcd);
    await using proxy = await startProxy(etcd.clientUrls[0] ?? '');
    const program = join(place.dir, 'stop-etcd');
    const calls = join(place.dir, 'calls');
    writeFileSync(program, `#!/bin/sh\necho $1 >> ${calls}\n[ "$1" = undo ] || exec sleep 600\n`);
    chmodSync(program, 0o755);
    const settings = { 'cluster.endpoints': proxy.url, 'restore.before': program };
    const { daemon, root } = await backedUp(place, settings);
    await using _stopped = daemon;
    const dataDir = join(root, 'etcd');
    mkdirSync(join(dataDir, 'member'), { recursive: true });
    writeFileSync(join(dataDir, 'member', 'old'), 'data');
    await beginSlowly(daemon, proxy);

    await restore(daemon, { dataDir, initialCluster: alone, force: true });
    // After it only the program is left, which takes ten minutes.
    await untilBuilt(daemon);
    daemon.process.kill('SIGTERM');
    const { failure } = await daemon.until('restore-failed', 1, limitMs);
    const runsThen = daemon.of('run-finished').length + daemon.of('run-failed').length;
    // Two signals closer together than this count as one.
    await sleep(200);
    const code = await daemon.stop();

    expect(failure).toMatchObject({ code: 'stopped' });
    expect([runsThen, code]).toEqual([1, 64]);
    expect(readdirSync(root, { recursive: true }).sort()).toEqual([
      'etcd',
      'etcd/member',
      'etcd/member/old',
    ]);
    expect(readFileSync(calls, 'utf8').split('\n').at(-2)).toBe('undo');
  });
});

/** Begins a backup that takes minutes: it cannot be over before a restore is. */
async function beginSlowly(daemon: RunningDaemon, proxy: FaultProxy): Promise<void> {
  await ask(daemon);
  await daemon.until('member-chosen', 2);
  proxy.inject({ kind: 'trickle', bytesPerSecond: 100 });
}

/** The steps of a restore without a fallback come once each, the building as the fifth. */
async function untilBuilt(daemon: RunningDaemon): Promise<void> {
  expect((await daemon.until('restore-step-finished', 5, limitMs)).step).toBe('build');
}
