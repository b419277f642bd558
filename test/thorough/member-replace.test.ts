/** A member of a real cluster dies and loses its data; it is replaced as the command says. */
import { execFile } from 'node:child_process';
import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { connectCluster } from '../../src/cluster/connect.ts';
import { connectMembership } from '../../src/cluster/membership.ts';
import type { Member } from '../../src/cluster/port.ts';
import { EtcdServer } from '../../src/cluster/server.ts';
import { cluster, etcdctl, minorsHere, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, workplace } from '../support/house.ts';

const preload = join(import.meta.dirname, '..', 'support', 'kill-at.ts');

/** The program called with `--json` at its end. */
async function told(place: Workplace, words: readonly string[], options = {}) {
  const ran = await runProgram([...words, ...place.words(), '--json'], options);
  const { code, signal, stdout, stderr } = ran;
  return { code, signal, stderr, out: stdout === '' ? undefined : JSON.parse(stdout) };
}

interface Row {
  readonly name: string;
  readonly id: string;
  readonly role: string;
  readonly health: string;
  readonly leader: boolean;
  readonly peerUrls: readonly string[];
}

async function rows(place: Workplace): Promise<readonly Row[]> {
  return (await told(place, ['member', 'list'])).out;
}

/** A follower and those that stay. A leader that dies takes a second of nobody deciding with it. */
async function roles(etcd: TestCluster, place: Workplace) {
  const listed = await rows(place);
  const follower = listed.find(({ leader }) => !leader)?.name ?? '';
  const server = (name: string) => etcd.members.find((each) => each.name === name) as EtcdServer;
  const leader = listed.find((each) => each.leader)?.name ?? '';
  return {
    leader,
    failed: server(follower),
    stay: etcd.members.filter((e) => e.name !== follower),
  };
}

/** What the plan says is done by a shell, with `systemctl` as the start and stop of nothing. */
async function paste(commands: readonly string[]): Promise<void> {
  const script = ['systemctl() { :; }', 'etcd-backupd() { :; }', 'set -e', ...commands].join('\n');
  await promisify(execFile)('bash', ['-c', script]);
}

/** The same etcd program on the same place, told nothing but listening URLs and the variables. */
function newProcess(
  { binaries, dataDir }: TestCluster,
  old: EtcdServer,
  variables: Readonly<Record<string, string>>,
): EtcdServer {
  const args = [
    ...[`--data-dir=${old.dataDir}`, `--listen-peer-urls=${old.peerUrl}`],
    ...[`--listen-client-urls=${old.clientUrl}`, `--advertise-client-urls=${old.clientUrl}`],
    `--listen-metrics-urls=${old.metricsUrl}`,
  ];
  const { name, clientUrl, peerUrl, metricsUrl } = old;
  const urls = { name, clientUrl, peerUrl, metricsUrl, dataDir: old.dataDir };
  const logFile = join(dataDir, `${name}-new.log`);
  return new EtcdServer({ ...urls, binary: binaries.etcd, args, env: variables, logFile });
}

describe.concurrent.each(minorsHere(['3.4', '3.5', '3.7']))(
  'a failed member of etcd %s',
  (version) => {
    test('is replaced with what is printed, and comes back with the data', async () => {
      await using etcd = await cluster(version, { members: 3 });
      using place = workplace(etcd);
      const { failed, stay } = await roles(etcd, place);
      const alive = { endpoints: stay.map(({ clientUrl }) => clientUrl) };
      await etcdctl(etcd, ['put', 'before', 'the failure']);
      await failed.kill();
      await truncate(join(failed.dataDir, 'member', 'snap', 'db'), 100);
      await etcdctl(etcd, ['put', 'after', 'the failure'], alive);
      const before = await rows(place);

      const planned = await told(place, ['member', 'replace', failed.name]);
      const unchanged = await rows(place);
      const words = ['member', 'replace', failed.name, '--data-dir', failed.dataDir, '--yes'];
      const done = await told(place, words);
      const again = await told(place, [
        ...['member', 'replace', failed.name, '--yes', '--peer-url', failed.peerUrl],
      ]);
      await paste(done.out.commands);
      const fresh = newProcess(etcd, failed, done.out.variables);
      await fresh.launch();
      await using _ = { [Symbol.asyncDispose]: () => fresh.kill() };
      await fresh.untilHealthy();

      expect([planned.code, done.code, again.code]).toEqual([0, 0, 0]);
      expect(planned.out).toMatchObject({ changed: false, safe: true, add: { id: null } });
      expect(unchanged.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      expect(done.out).toMatchObject({ changed: true, remove: { name: failed.name } });
      expect(again.out).toMatchObject({ changed: false, add: { id: done.out.add.id } });
      expect(again.out.variables).toEqual(done.out.variables);
      expect(done.stderr).toMatch(/was removed from cluster.*was added to cluster/s);
      const whole = await rows(place);
      expect(whole.map(({ health, role }) => [health, role])).toEqual(
        Array(3).fill(['healthy', 'voter']),
      );
      expect(whole.find(({ name }) => name === failed.name)?.id).toBe(done.out.add.id);
      for (const key of ['before', 'after']) {
        const read = ['get', key, '--print-value-only', '--consistency=s'];
        const value = await etcdctl(etcd, read, { endpoints: [fresh.clientUrl] });
        expect(value.trim()).toBe('the failure');
      }
    });
  },
);

describe.concurrent('the membership of a real cluster', () => {
  test('is changed right after its start, and a member can be removed twice', async () => {
    await using etcd = await cluster('3.4', { members: 3 });
    const settings = {
      endpoints: etcd.clientUrls,
      tls: { ca: null, client: null, serverName: null },
      auth: null,
      requestTimeoutMs: 5000,
    };
    const { signal } = new AbortController();
    const membership = connectMembership(settings);
    await using seen = connectCluster(settings);
    const { members } = await seen.survey({ signal });
    const asked = { via: members[0] as Member, signal };
    const wanted = { peerUrls: ['http://127.0.0.1:1'], learner: true };

    const id = await membership.add(wanted, asked);
    const added = (await seen.survey({ signal })).members.find((each) => each.id === id);
    const twice = membership.add(wanted, asked);
    await expect(twice).rejects.toMatchObject({ code: 'usage' });
    await membership.remove(id, asked);
    await membership.remove(id, asked);

    expect(added).toMatchObject({ name: '', peerUrls: wanted.peerUrls, learner: true });
    expect((await seen.survey({ signal })).members.map((each) => each.id)).toEqual(
      members.map((each) => each.id),
    );
  });
});

describe.concurrent('a replacement', () => {
  test('is refused where it puts the quorum at risk, and then nothing is changed', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    using place = workplace(etcd);
    const { leader, failed, stay } = await roles(etcd, place);
    const other = stay.find(({ name }) => name !== leader)?.name ?? '';
    const ask = (name: string, ...more: string[]) =>
      told(place, ['member', 'replace', name, '--yes', ...more]);
    const before = (await rows(place)).map(({ id }) => id);

    const healthy = await ask(failed.name);
    const leading = await ask(leader, '--force');
    await failed.kill();
    const second = await ask(other, '--force');
    const moved = ['http://127.0.0.1:1', 'http://127.0.0.1:2'];
    const urls = moved.flatMap((url) => ['--peer-url', url]);
    const planned = await told(place, ['member', 'replace', failed.name, ...urls]);
    const after = (await rows(place)).map(({ id }) => id);
    await stay.find(({ name }) => name === other)?.kill();
    const without = await ask(failed.name);

    const refusals = [healthy, leading, second, without];
    expect(refusals.map(({ code }) => code)).toEqual([57, 57, 57, 57]);
    expect(refusals.map(({ out }) => [out.safe, out.changed])).toEqual(
      Array(4).fill([false, false]),
    );
    expect(healthy.stderr).toContain(`${failed.name} is healthy`);
    expect(leading.stderr).toContain(`follow ${leader} as their leader`);
    expect(second.stderr).toContain(`without ${other} the quorum is lost: 1 of 2 voters healthy`);
    expect(planned).toMatchObject({ code: 0, out: { safe: true, add: { peerUrls: moved } } });
    expect(without.stderr).toContain('the cluster has no quorum: ');
    expect(after).toEqual(before);
  });

  test('killed after the removal is finished with the peer URL, by a learner too', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    using place = workplace(etcd);
    const { failed } = await roles(etcd, place);
    await failed.kill();
    const env = { KILL_AT: 'event was removed from cluster' };

    const killed = await told(place, ['member', 'replace', failed.name, '--yes'], {
      nodeArgs: ['--import', preload],
      env,
    });
    const left = await rows(place);
    const blind = await told(place, ['member', 'replace', failed.name, '--yes']);
    const words = ['member', 'replace', failed.name, '--peer-url', failed.peerUrl];
    const learner = await told(place, [...words, '--learner', '--yes']);
    await rm(failed.dataDir, { recursive: true });
    const fresh = newProcess(etcd, failed, learner.out.variables);
    await fresh.launch();
    await using _ = { [Symbol.asyncDispose]: () => fresh.kill() };
    await fresh.untilHealthy();

    expect(killed).toMatchObject({ signal: 'SIGKILL', out: undefined });
    expect(left.map(({ health }) => health)).toEqual(['healthy', 'healthy']);
    expect(blind).toMatchObject({ code: 2, out: undefined });
    expect(blind.stderr).toContain('--peer-url URL');
    expect(learner).toMatchObject({ code: 0, out: { changed: true, remove: null } });
    expect((await rows(place)).map(({ role }) => role).sort()).toEqual([
      'learner',
      'voter',
      'voter',
    ]);
  });
});
