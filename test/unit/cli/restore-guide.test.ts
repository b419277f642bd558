/** What `restore --plan` prints, as golden files, and that a shell takes its commands as meant. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { guideText, hostsOf } from '../../../src/cli/restore-guide.ts';
import { askedOf } from '../../../src/cli/restore-options.ts';
import { memberId } from '../../../src/core/backup.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import type { InitialMember } from '../../../src/core/restore.ts';
import { sampleManifest } from '../core/sample-manifest.ts';
import { call, expectGolden, type Place, place } from './calling.ts';
import { stock, today } from './stocked.ts';

// Only the calendar stands still: timers and limits go on.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: today }));
afterEach(() => void vi.useRealTimers());

const voters = [1, 2, 3].map((at) => ({
  id: memberId(BigInt(at)),
  name: `m${at}`,
  peerUrls: [`https://10.0.0.${at}:2380`],
  learner: false,
}));
const learner = {
  ...voters[0],
  id: memberId('4'),
  name: 'm4',
  peerUrls: ['https://10.0.0.4:2380'],
};
const found: Manifest['found'] = {
  members: [...voters, { ...learner, learner: true }],
  alarms: [],
  leases: 0,
  authEnabled: false,
};

async function stocked(): Promise<Place> {
  const at = place({ 'cluster.name': 'production' });
  const raw = { sizeBytes: 1_288_490_188, sha256: 'a'.repeat(64) };
  await stock(at, { startedAt: '2026-11-20T15:45:00Z', changes: { found, raw } });
  return at;
}

const words = ['restore', 'latest', '--data-dir', '/var/lib/etcd', '--plan'];
const token = ['--initial-cluster-token', 'production-2'];

describe('restore --plan', () => {
  test('tells people what to do on every host, in order', async () => {
    const told = await call([...words, ...token, ...(await stocked()).words]);

    expectGolden('restore-plan.txt', told.out);
    expect(told).toMatchObject({ code: 'success', err: '' });
  });

  test('tells programs the same', async () => {
    const told = await call([...words, ...token, '--json', ...(await stocked()).words]);

    expectGolden('restore-plan.json', told.out);
    expect(told).toMatchObject({ code: 'success', err: '' });
  });

  test('has a token of its own each time, the same for all hosts', async () => {
    const at = await stocked();
    const plans = [await call([...words, '--json', ...at.words])];
    plans.push(await call([...words, '--json', ...at.words]));

    const [first, second] = plans.map(({ out }) => JSON.parse(out));

    expect(first.initialClusterToken).toMatch(/^production-[0-9a-f]{12}$/);
    expect(first.initialClusterToken).not.toBe(second.initialClusterToken);
    expect(first.clusterId).not.toBe(second.clusterId);
    for (const { command } of first.hosts) {
      expect(command).toContain(`--initial-cluster-token ${first.initialClusterToken}`);
    }
  });

  test('passes on what must be the same on every host', async () => {
    const rest =
      '--bump-revision 1000000000 --mark-compacted --clear-alarms --owner 0:0 ' +
      '--etcd-version 3.6.14 --force --store local --cluster cdf818194e3a8c32 --identity /etc/key ' +
      '--accept-unsigned';
    const told = await call([
      ...[...words, ...token, '--json', ...rest.split(' ')],
      ...(await stocked()).words,
    ]);

    const { hosts } = JSON.parse(told.out);

    expect(hosts).toHaveLength(3);
    for (const { command } of hosts) {
      expect(command.endsWith(` ${rest}`)).toBe(true);
      expect(command).not.toMatch(/--(plan|json|dry-run)\b/);
    }
  });

  test('advises against old caches, unless the revision jumps', async () => {
    const at = await stocked();
    const jump = ['--bump-revision', '1000', '--mark-compacted'];

    const plain = await call([...words, ...at.words]);
    const jumping = await call([...words, ...jump, ...at.words]);

    expect(plain.out).toContain('--bump-revision 1000000000 --mark-compacted');
    expect(jumping.out).not.toContain('caches');
  });

  test('changes nothing', async () => {
    const at = await stocked();
    const before = readdirSync(at.dir, { recursive: true });

    await call([...words, '--data-dir', join(at.dir, 'etcd'), ...at.words]);

    expect(readdirSync(at.dir, { recursive: true })).toEqual(before);
  });
});

describe('a command of the guide', () => {
  const initialCluster: InitialMember[] = [
    { name: "it's m1", peerUrls: ['https://[::1]:2380', 'https://10.0.0.1:2380'] },
    { name: '"$(reboot)" `id` \\ <&>;', peerUrls: ['https://10.0.0.2:2380'] },
    { name: 'Zürich *', peerUrls: ['https://10.0.0.3:2380'] },
  ];
  const plan = {
    manifest: sampleManifest(),
    store: 'local',
    initialCluster,
    initialClusterToken: "a token's $HOME",
  };
  const asked = askedOf({ values: { 'data-dir': '/var/lib/my etcd' } });
  const given = { values: { config: "/etc/it's mine.yaml" } };
  const list =
    "it's m1=https://[::1]:2380,it's m1=https://10.0.0.1:2380," +
    '"$(reboot)" `id` \\ <&>;=https://10.0.0.2:2380,Zürich *=https://10.0.0.3:2380';

  /** What the program would be given if somebody pasted the text. */
  function pasted(text: string): string[][] {
    const { dir } = place();
    const program = join(dir, 'etcd-backupd');
    writeFileSync(program, '#!/bin/sh\nprintf "%s\\0" "$@"\nprintf "\\n\\0"\n');
    chmodSync(program, 0o755);
    const env = { PATH: `${dir}:${process.env['PATH']}`, HOME: '/root' };
    const read = execFileSync('sh', ['-c', text], { env, cwd: dir }).toString('utf8');
    const calls = read.split('\n\0').slice(0, -1);
    return calls.map((one) => one.split('\0').slice(0, -1));
  }

  test('is taken by a shell as it was meant, whatever the names are', () => {
    const hosts = hostsOf(plan, asked, given);

    expect(hosts.map(({ name }) => name)).toEqual(initialCluster.map(({ name }) => name));
    for (const { name, command } of hosts) {
      expect(pasted(command)).toEqual([
        [
          ...['restore', plan.manifest.id, '--data-dir', '/var/lib/my etcd', '--name', name],
          ...['--initial-cluster', list, '--initial-cluster-token', "a token's $HOME"],
          ...['--config', "/etc/it's mine.yaml"],
        ],
      ]);
    }
  });

  test('names the configuration wherever the program is called', () => {
    const lines = guideText(plan, asked, given).split('\n');

    const calls = lines.filter((line) => line.trim().startsWith('etcd-backupd '));

    const made = pasted(calls.join('\n'));
    expect(made.map(([word]) => word)).toEqual([
      ...['verify', 'restore', 'restore', 'restore', 'check', 'backup'],
    ]);
    for (const one of made) expect(one.slice(-2)).toEqual(['--config', "/etc/it's mine.yaml"]);
  });
});
