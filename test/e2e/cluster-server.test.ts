import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type EtcdClusterOptions, startEtcdCluster } from '../../src/cluster/servers.ts';
import { makeCertificates } from '../support/certificates.ts';
import { cluster, enableAuth, etcdctl, etcdVersions, needEtcd } from '../support/etcd.ts';

async function freshDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'etcd-backupd-test-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

function isAlive(pid: number | undefined): boolean {
  // A pid in /proc that is a zombie would still be a process that nobody waited for.
  return pid !== undefined && existsSync(`/proc/${pid}`);
}

describe('a cluster of etcd processes', () => {
  test('keeps serving while one member is killed, and takes it back', async () => {
    await using three = await cluster('3.5', { members: 3 });
    const [first, second, third] = three.members;
    await etcdctl(three, ['put', 'a', '1']);

    await first?.kill();
    // A write that is forwarded to a leader that just died is lost.
    await second?.untilHealthy();
    await etcdctl(three, ['put', 'b', '2'], { endpoints: [second?.clientUrl ?? ''] });
    const whileDown = first?.running;
    await first?.restart();
    const read = await etcdctl(three, ['get', 'b', '--print-value-only'], {
      endpoints: [first?.clientUrl ?? ''],
    });

    expect(whileDown).toBe(false);
    expect(read.trim()).toBe('2');
    expect(third?.running).toBe(true);
  });

  test('freezes a member and wakes it up', async () => {
    await using one = await cluster('3.5');
    const [member] = one.members;
    const ask = () => fetch(`${member?.metricsUrl}/health`, { signal: AbortSignal.timeout(500) });

    member?.pause();
    await expect(ask()).rejects.toThrow();
    member?.resume();

    await member?.untilHealthy();
    expect((await ask()).ok).toBe(true);
  });

  test('leaves no process and no folder behind, even of a paused member', async () => {
    const three = await cluster('3.5', { members: 3 });
    const pids = three.members.map((member) => member.pid);
    three.members[1]?.pause();

    await three[Symbol.asyncDispose]();

    expect(pids.map(isAlive)).toEqual([false, false, false]);
    expect(existsSync(three.dataDir)).toBe(false);
  });

  test('adds a learner', async () => {
    await using one = await cluster('3.5');
    await etcdctl(one, ['put', 'a', '1']);

    const learner = await one.addMember('late', { learner: true });

    const list = await etcdctl(one, ['member', 'list'], { endpoints: [one.clientUrls[0] ?? ''] });
    expect(list).toMatch(/started, late, .*true/);
    expect(learner.running).toBe(true);
  });

  test('starts data that exists as it is', async () => {
    const dataDir = await freshDir();
    const { etcd } = needEtcd('3.5');
    const options: EtcdClusterOptions = { binary: etcd, dataDir, members: 1 };
    const before = await startEtcdCluster(options);
    await putByGateway(before.clientUrls[0], { key: 'a2V5', value: 'dmFsdWU=' });
    await before.stop();

    await using after = await startEtcdCluster(options);

    expect(await rangeByGateway(after.clientUrls[0], 'a2V5')).toBe('dmFsdWU=');
  });

  test('quotes the log of a member that does not start', async () => {
    const dataDir = await freshDir();
    const { etcd } = needEtcd('3.5');

    const start = startEtcdCluster({
      binary: etcd,
      dataDir,
      members: 1,
      extraArgs: ['--initial-cluster=other=http://127.0.0.1:1'],
    });

    await expect(start).rejects.toMatchObject({
      code: 'etcd-start',
      message: expect.stringMatching(/member m1 ended .*m1\.log:.*couldn't find local name/s),
    });
    expect(readFileSync(join(dataDir, 'm1.log'), 'utf8')).toContain('local name');
  });

  test('says so when the program is not there', async () => {
    const dataDir = await freshDir();

    const start = startEtcdCluster({ binary: '/nonexistent/etcd', dataDir, members: 3 });

    await expect(start).rejects.toMatchObject({ code: 'etcd-start' });
  });

  test('stops what it started when it is told to stop', async () => {
    const dataDir = await freshDir();
    const { etcd } = needEtcd('3.5');
    const reason = new Error('changed my mind');
    const controller = new AbortController();
    // Without the other two this one never gets healthy, so the start is surely under way.
    const options = {
      extraArgs: ['--initial-cluster=m1=http://127.0.0.1:1,m2=http://127.0.0.1:2'],
    };
    setTimeout(() => controller.abort(reason), 500);

    const start = startEtcdCluster({
      ...options,
      binary: etcd,
      dataDir,
      members: 1,
      peerUrls: ['http://127.0.0.1:1'],
      signal: controller.signal,
    });

    await expect(start).rejects.toBe(reason);
  });

  test('gives up after a few tries where a port stays taken', async () => {
    const dataDir = await freshDir();
    const { etcd } = needEtcd('3.5');
    const squatter = createServer();
    onTestFinished(() => void squatter.close());
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address() as { port: number };

    const peerUrls = [`http://127.0.0.1:${port}`];
    const start = startEtcdCluster({ binary: etcd, dataDir, members: 1, peerUrls });

    await expect(start).rejects.toThrow('address already in use');
  });

  test('asks clients for a certificate and a password', async () => {
    const files = makeCertificates(await freshDir());
    const tls = { ca: files.ca, ...files.server, clientCertAuth: true };
    await using one = await cluster('3.5', { tls, clientPair: files.client });

    await enableAuth(one, 'secret');
    await etcdctl(one, ['put', 'a', '1']);

    await expect(etcdctl(one, ['get', 'a'], { user: 'root:wrong' })).rejects.toThrow('invalid');
    const stranger = { ...one, clientPair: files.strangerClient };
    await expect(etcdctl(stranger, ['get', 'a', '--command-timeout=2s'])).rejects.toThrow();
    expect(one.clientUrls[0]).toMatch(/^https:/);
  });

  test.each(etcdVersions())('runs three members of $version', async ({ version }) => {
    await using three = await cluster(version, { members: 3 });

    const status = await etcdctl(three, ['endpoint', 'status', '--write-out=json']);

    const versions = JSON.parse(status).map((row: { Status: { version: string } }) => row.Status);
    expect(versions).toHaveLength(3);
    expect(versions).toEqual(Array(3).fill(expect.objectContaining({ version })));
  });
});

async function putByGateway(url = '', body: { key: string; value: string }): Promise<void> {
  await fetch(`${url}/v3/kv/put`, { method: 'POST', body: JSON.stringify(body) });
}

async function rangeByGateway(url = '', key: string): Promise<string> {
  const reply = await fetch(`${url}/v3/kv/range`, {
    method: 'POST',
    body: JSON.stringify({ key }),
  });
  const { kvs } = (await reply.json()) as { kvs: { value: string }[] };
  return kvs[0]?.value ?? '';
}
