/** What has surprised people after or instead of a restore: alarms that came back, data that went. */
import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EtcdServer } from '../../src/cluster/server.ts';
import { cluster, etcdctl, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, workplace } from '../support/house.ts';
import { traceOf } from '../support/restoring.ts';

const call = (place: Workplace, ...words: string[]) => runProgram([...words, ...place.words()]);

/** Writes until the quota is used up; etcd then raises the alarm. */
async function fillUp(etcd: TestCluster): Promise<void> {
  const value = 'x'.repeat(100_000);
  for (let at = 0; at < 100; at += 1) {
    const put = await etcdctl(etcd, ['put', `key-${at}`, value]).catch(String);
    if (put.includes('database space exceeded')) return;
  }
  throw new Error('the quota is not used up');
}

/** The same etcd on another data directory, with the usual quota. Such an alarm is no health. */
function withRoom({ binaries, members, dataDir: logs }: TestCluster, dataDir: string): EtcdServer {
  const [old] = members;
  if (old === undefined) throw new Error('no member');
  const { name, clientUrl, peerUrl, metricsUrl } = old;
  const args = [
    ...[`--name=${name}`, `--data-dir=${dataDir}`, `--listen-peer-urls=${peerUrl}`],
    ...[`--listen-client-urls=${clientUrl}`, `--advertise-client-urls=${clientUrl}`],
    ...[`--listen-metrics-urls=${metricsUrl}`, '--unsafe-no-fsync'],
  ];
  const logFile = join(logs, 'restored.log');
  const urls = { name, clientUrl, peerUrl, metricsUrl, dataDir };
  return new EtcdServer({ ...urls, binary: binaries.etcd, args, env: {}, logFile });
}

describe.concurrent('a backup with the alarm NOSPACE', () => {
  test('gives a cluster that takes no writes, unless the alarm is left out', async () => {
    await using etcd = await cluster('3.5', { extraArgs: ['--quota-backend-bytes=2000000'] });
    using place = workplace(etcd);
    await fillUp(etcd);
    expect(await call(place, 'backup')).toMatchObject({ code: 0 });
    await etcd.stop();
    const write = async (folder: string, ...more: string[]) => {
      const dataDir = join(place.dir, folder);
      const { code, stdout } = await call(place, 'restore', '--data-dir', dataDir, ...more);
      expect({ code, stdout }).toMatchObject({ code: 0 });
      const restored = withRoom(etcd, dataDir);
      await restored.launch();
      await using _ = { [Symbol.asyncDispose]: () => restored.kill() };
      const patiently = ['--dial-timeout=30s', '--command-timeout=30s'];
      return {
        said: stdout,
        put: await etcdctl(etcd, ['put', 'a', 'b', ...patiently]).catch(String),
      };
    };

    const asItIs = await write('with');
    const cleared = await write('without', '--clear-alarms');

    expect(asItIs.said).toMatch(/^note +alarms are raised in it: NOSPACE/m);
    expect(asItIs.put).toContain('database space exceeded');
    expect(cleared.said).not.toContain('NOSPACE');
    expect(cleared.put).toBe('OK\n');
  });
});

describe.concurrent('a data directory that is damaged', () => {
  test('stays as it is where no backup is left', async () => {
    await using etcd = await cluster('3.5');
    using place = workplace(etcd);
    const [{ dataDir = '' } = {}] = etcd.members;
    expect(await call(place, 'backup')).toMatchObject({ code: 0 });
    await etcd.stop();
    for (const name of readdirSync(place.storeDir)) {
      rmSync(join(place.storeDir, name), { recursive: true });
    }
    truncateSync(join(dataDir, 'member', 'snap', 'db'), 10_000);
    const before = traceOf(etcd.dataDir);

    const codes: (number | null)[] = [];
    for (const words of [['restore'], ['restore', '--force', '--fallback'], ['init']]) {
      const [name = '', ...more] = words;
      const asked = [name, 'latest', '--data-dir', dataDir, '--name', 'm1', ...more];
      codes.push((await call(place, ...asked)).code);
    }

    expect(codes).toEqual([50, 50, 53]);
    expect(traceOf(etcd.dataDir)).toEqual(before);
  });
});
