/** The commands about the daemon, the cluster and the configuration, where no etcd answers. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePorts } from '../../../src/cluster/loopback.ts';
import { serveAdmin } from '../../../src/http/admin.ts';
import { stateObserver } from '../../../src/observe/state.ts';
import { house } from '../http/house.ts';
import { sample } from '../observe/events.ts';
import { call, expectGolden, nobody, place } from './calling.ts';
import { stockThree, today } from './stocked.ts';

// Only the calendar stands still: timers and limits go on.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: today }));
afterEach(() => void vi.useRealTimers());

describe('status', () => {
  test('shows the stores though neither daemon nor cluster answers', async () => {
    const at = place();
    await stockThree(at);

    const shown = await call(['status', ...at.words]);
    const told = await call(['status', '--json', ...at.words]);

    expectGolden('status.txt', shown.out);
    expectGolden('status.json', told.out);
    expect([shown.code, told.code]).toEqual(['cluster-unreachable', 'cluster-unreachable']);
    expect([shown.err, told.err]).toEqual(['', '']);
  });

  test('says of an empty store that it has no proved backup', async () => {
    const { out } = await call(['status', ...place().words]);

    expect(out).toMatch(/^NOT SAFE: no store that can be read holds a proved backup$/m);
    expect(out).toMatch(/^local +never +no proved backup +0 +\? +0$/m);
  });

  test('shows what the daemon on this host says of itself', async () => {
    const [port = 0] = await freePorts(1);
    const state = stateObserver({ stores: ['local'], now: () => today });
    for (const event of [
      sample('daemon-started'),
      sample('next-run-scheduled', { at: new Date('2026-11-21T00:45:00Z') }),
    ]) {
      state.observe(event);
    }
    const listen = { host: '127.0.0.1', port };
    const { options } = house({ listen, status: state.report });
    const admin = await serveAdmin(options);
    onTestFinished(() => admin[Symbol.asyncDispose]());
    const at = place({ 'http.enabled': 'true', 'http.listen': `127.0.0.1:${port}` });

    const { out } = await call(['status', ...at.words]);
    const { daemon } = JSON.parse((await call(['status', '--json', ...at.words])).out);

    expect(out.split('\n\n')[2]).toBe(
      'daemon    running, version 0.1.0, started 0s ago\n' +
        'now       idle\n' +
        'last run  none yet\n' +
        'next run  2026-11-21 00:45:00Z, in 45m (schedule 45 * * * *)\n',
    );
    expect(daemon).toEqual(state.report());
  });
});

describe('check', () => {
  test('tries what does not need the cluster though nobody answers', async () => {
    const at = place();

    const shown = await call(['check', ...at.words]);
    const told = await call(['check', '--json', ...at.words]);

    const [cluster, store = ''] = shown.out.split('\n');
    const probed = `file ${at.storeDir}: written, read and removed a probe; renames replace`;
    expect(cluster).toBe(`FAILED  cluster      ${nobody}: connection refused`);
    expect(store.startsWith(`ok      store local  ${probed}, folders sync`)).toBe(true);
    expect(JSON.parse(told.out)).toEqual({
      results: [
        {
          subject: 'cluster',
          ok: false,
          detail: `${nobody}: connection refused`,
          code: 'cluster-unreachable',
        },
        {
          subject: 'store local',
          ok: true,
          detail: expect.stringContaining(probed),
          code: null,
        },
      ],
      members: [],
    });
    expect([shown.code, told.code]).toEqual(['cluster-unreachable', 'cluster-unreachable']);
    expect(shown.err).toBe(
      'Check that etcd runs, that the endpoints are its client URLs, and the network between.\n',
    );
    expect(readdirSync(at.storeDir)).toEqual([]);
  });
});

describe('backup', () => {
  test('leaves nothing where nobody answers', async () => {
    const at = place();

    const told = await call(['backup', '--json', ...at.words]);

    expect(told).toMatchObject({ code: 'cluster-unreachable', out: '' });
    expect(told.err).toContain(`etcd-backupd: ${nobody}: connection refused\n`);
    expect(readdirSync(at.dir, { recursive: true }).sort()).toEqual(['spool', 'store']);
  });

  test('refuses a configuration before it touches anything', async () => {
    const at = place({ 'cluster.endpoints': 'not a url' });

    const told = await call(['backup', ...at.words]);

    expect(told).toMatchObject({ code: 'config-invalid', out: '' });
    expect(told.err).toContain('cluster.endpoints[0] = "not a url"\n');
  });
});

describe('config', () => {
  const root = join(import.meta.dirname, '..', '..', '..');

  test.each([
    ['reference', 'docs/configuration.md'],
    ['example', 'config/etcd-backupd.example.yaml'],
  ])('%s is the committed one, and needs no configuration', async (what, path) => {
    const told = await call(['config', what], { env: { ETCD_BACKUPD_CONFIG: '/no/such/file' } });

    const out = readFileSync(join(root, path), 'utf8');
    expect(told).toEqual({ code: 'success', out, err: '' });
  });

  test('effective shows each value with its place, as YAML and as JSON', async () => {
    const at = place();
    const file = join(at.dir, 'config.yaml');
    writeFileSync(file, 'log: { level: warn }\n');
    const words = [...at.words, '--config', file];
    const env = { ETCD_BACKUPD_LOG_PRETTY: 'true' };

    const shown = await call(['config', 'effective', ...words], { env });
    const told = await call(['config', 'effective', '--json', ...words], { env });

    expect(shown).toMatchObject({ code: 'success', err: '' });
    expect(shown.out).toContain(`  level: warn  # ${file}:1:15\n`);
    expect(shown.out).toContain('  name: test  # flag --cluster.name\n');
    expect(JSON.parse(told.out)).toEqual(
      expect.arrayContaining([
        { key: 'log.level', value: 'warn', origin: `${file}:1:15` },
        {
          key: 'log.pretty',
          value: 'true',
          origin: 'environment variable ETCD_BACKUPD_LOG_PRETTY',
        },
      ]),
    );
  });

  test('check says nothing where all is well, and looks at files as the daemon does', async () => {
    const good = place();
    const bad = place({ 'spool.dir': '/dev/null/spool', 'schedule.cron': 'whenever' });

    const [well, wrong] = [
      await call(['config', 'check', ...good.words]),
      await call(['config', 'check', ...bad.words]),
    ];

    expect(well).toEqual({ code: 'success', out: '', err: '' });
    expect(wrong).toMatchObject({ code: 'config-invalid', out: '' });
    expect(wrong.err).toMatch(/2 problems[\s\S]*schedule\.cron[\s\S]*spool\.dir/);
  });

  test('effective tells what is risky on stderr, and never a secret', async () => {
    const words = place({
      'cluster.auth.username': 'backup',
      'cluster.auth.passwordFile': 'hunter2',
    }).words;

    const told = await call(['config', 'effective', ...words]);

    expect(told.code).toBe('config-invalid');
    expect(`${told.out}${told.err}`).not.toContain('hunter2');
    expect(told.err).toContain('cluster.auth.passwordFile = "[secret]"');
  });
});
