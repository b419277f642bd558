/** The StatefulSet with init and the daemon, as processes: from nothing to lost volumes and on. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  EtcdPods,
  etcdctl,
  type Literals,
  startDaemon,
  startEtcd,
  stopAll,
} from '../support/etcd-pods.ts';
import { type Pod, podsHere } from '../support/pods.ts';

const { kubecheck, skip } = await podsHere();

describe.skipIf(skip)('the StatefulSet of one member', () => {
  test('begins empty, is backed up, and begins from the backup when its volume is lost', async () => {
    await using site = await EtcdPods.open(kubecheck!, 1);

    const first = await site.pod('etcd-0');
    const empty = await first.finish('init');
    await startEtcd(first);
    await etcdctl(first, 'put', 'the-key', 'the value');
    await using daemon = startDaemon(first);
    await daemon.until('backup-committed');
    const health = [
      await first.probe('etcd', 'livenessProbe'),
      await first.probe('etcd-backupd', 'livenessProbe'),
    ];
    await stopAll([first]);

    expect(empty).toMatchObject({
      code: 0,
      stdout: 'nothing to do: there is no backup to start from\n',
    });
    expect(health).toEqual([200, 200]);
    expect(daemon.of('run-failed')).toEqual([]);

    const again = await site.pod('etcd-0');
    const left = await again.finish('init');
    await startEtcd(again);
    const kept = await etcdctl(again, 'get', 'the-key');
    await stopAll([again]);

    expect(left.code).toBe(0);
    expect(left.stdout).toMatch(/^nothing to do: .* and its database is sound\n$/);
    expect(kept).toBe('the-key\nthe value\n');

    site.lose('etcd-0');
    const next = await site.pod('etcd-0');
    const restored = await next.finish('init');
    await startEtcd(next);
    const found = JSON.parse(await etcdctl(next, 'get', 'the-key', '--write-out=json'));
    await using going = startDaemon(next);
    await going.until('backup-committed');
    const check = await next.exec('etcd-backupd', ['etcd-backupd', 'check']);
    await stopAll([next]);

    expect(restored.code).toBe(0);
    expect(restored.stdout).toMatch(/^restored: \/var\/lib\/etcd\/data is member etcd-0 of a new/);
    expect(Buffer.from(found.kvs[0].value, 'base64').toString()).toBe('the value');
    // Whoever watched notices that what he saw is gone.
    expect(found.header.revision).toBeGreaterThan(1_000_000_000);
    expect(going.of('run-failed')).toEqual([]);
    expect(check).toMatchObject({ code: 0 });

    // Empty, and yet the same volume: that is for somebody to look at.
    rmSync(join(site.volume('etcd-0', 'data'), 'data'), { recursive: true });
    const emptied = await (await site.pod('etcd-0')).finish('init');

    expect(emptied.stderr).toContain('/var/lib/etcd/data is empty, but was restored from backup');
    expect(emptied.code).toBe(53);
    expect(readdirSync(site.volume('etcd-0', 'data'))).toEqual(['data.init-record']);
  });
});

describe.skipIf(skip)('the StatefulSet of three members', () => {
  const restarted = { 'initial-cluster-state': 'existing' };

  async function startAll(site: EtcdPods, literals: Literals = {}) {
    const pods: Pod[] = [];
    for (const name of site.names) pods.push(await site.pod(name, literals));
    const inits = await Promise.all(pods.map((pod) => pod.finish('init')));
    await Promise.all(pods.map((pod) => startEtcd(pod)));
    return { pods, inits };
  }

  test('begins from one backup when all is lost, and takes back a member that lost its volume', async () => {
    await using site = await EtcdPods.open(kubecheck!, 3);

    const first = await startAll(site);
    await etcdctl(first.pods[0]!, 'put', 'the-key', 'the value');
    const standalone = await site.standalone();
    await using daemon = startDaemon(standalone);
    const backup = await daemon.until('backup-committed');
    const ready = await standalone.probe('etcd-backupd', 'readinessProbe');
    await stopAll([standalone, ...first.pods]);
    for (const name of site.names) site.lose(name);
    const { pods, inits } = await startAll(site);
    const values = await Promise.all(pods.map((pod) => etcdctl(pod, 'get', 'the-key')));

    // By the stand-alone daemon. It found the members by their names, and they have the same.
    expect(ready).toBe(200);
    expect(backup).toMatchObject({ backup: { proofs: { agreed: expect.any(String) } } });
    const tokens = inits.map(({ stdout }) => /^cluster +(\S+), token (\S+)$/m.exec(stdout)?.[0]);
    expect(tokens[0]).toContain('token etcd-restored-1.20');
    expect(new Set(tokens).size).toBe(1);
    expect(values).toEqual(Array(3).fill('the-key\nthe value\n'));

    // One loses its volume, and nobody has said that the cluster has begun.
    await using later = startDaemon(pods[0]!);
    await later.until('backup-committed');
    await etcdctl(pods[0]!, 'put', 'the-key', 'a later value');
    await stopAll([pods[1]!]);
    site.lose('etcd-1');
    const mistaken = await site.pod('etcd-1');
    const begun = await mistaken.finish('init');
    const stranger = mistaken.start('etcd');
    stranger.stdout?.resume();
    let said = '';
    stranger.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    await expect.poll(() => said, { timeout: 60_000 }).toContain('cluster ID mismatch');

    expect(begun.stdout).toMatch(/^restored: /);
    expect(await mistaken.probe('etcd', 'readinessProbe')).toBe(503);
    expect(await etcdctl(pods[2]!, 'get', 'the-key')).toBe('the-key\na later value\n');

    // As the document says.
    await stopAll([mistaken]);
    const replace = 'etcd-backupd member replace etcd-1 --data-dir /var/lib/etcd/data --yes';
    const replaced = await pods[0]!.exec('etcd-backupd', replace.split(' '));
    site.lose('etcd-1');
    const joining = await site.pod('etcd-1', restarted);
    const left = await joining.finish('init');
    await startEtcd(joining);
    const joined = await etcdctl(joining, 'get', 'the-key');
    await stopAll([...pods, joining]);

    expect(replaced).toMatchObject({ code: 0 });
    expect(left.stdout).toMatch(/^nothing to do: the member joins a cluster that is there/);
    expect(joined).toBe('the-key\na later value\n');
  });
});
