/** `init` before every start of an etcd: it restores once, and leaves all data alone. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEtcdCluster } from '../../src/cluster/servers.ts';
import { etcdVersions } from '../support/etcd.ts';
import { runProgram } from '../support/house.ts';
import {
  complaintOf,
  type Ground,
  namesIn,
  type Origin,
  origin,
  served,
  traceOf,
} from '../support/restoring.ts';
import { fill } from '../support/workload.ts';
import { call } from '../unit/cli/calling.ts';
import { canMount, ground as folder, smallDisk } from '../unit/datadir/ground.ts';

const preload = join(import.meta.dirname, '..', 'support', 'kill-at.ts');

function wordsOf({ place }: Ground, dataDir: string, more: readonly string[] = []): string[] {
  return ['init', 'latest', '--data-dir', dataDir, '--name', 'm1', ...more, ...place.words()];
}

function init({ dataDir, ...ground }: Ground, ...more: string[]) {
  return call(wordsOf({ dataDir, ...ground }, dataDir, more));
}

function useStore({ place }: Ground, path: string): void {
  place.settings['stores'] = JSON.stringify([{ name: 'local', type: 'file', path }]);
}

describe('init', () => {
  let from: Origin;
  beforeAll(async () => {
    from = await origin('3.5');
  });
  afterAll(() => from[Symbol.asyncDispose]());

  /** A host whose member has no data. */
  function layEmpty(): Ground {
    const ground = from.lay();
    rmSync(ground.dataDir, { recursive: true });
    return ground;
  }

  test.for(['missing', 'empty'])('restores into a directory that is %s, once', async (state) => {
    using ground = layEmpty();
    if (state === 'empty') mkdirSync(ground.dataDir);

    const first = await init(ground, '--json');

    expect(first.code).toBe('success');
    expect(JSON.parse(first.out)).toMatchObject({
      restored: { backup: from.newest, aside: null },
      reason: 'the data directory was empty',
    });
    expect(ground.names()).toEqual(['m1', 'm1.init-record']);
    expect(await ground.served()).toEqual(['/older', '/newest']);
    const data = traceOf(ground.dataDir);
    const second = await init(ground);
    expect(second.code).toBe('success');
    expect(second.out).toMatch(/^nothing to do: .*m1 holds member .* and its database is sound\n$/);
    expect(traceOf(ground.dataDir)).toEqual(data);
  });

  test('leaves data alone, whatever it is told of backups and stores', async () => {
    using ground = from.lay();
    useStore(ground, join(ground.place.dir, 'unmounted', 'store'));
    const old = traceOf(ground.hosts);

    const told = await init(ground, '--force');

    expect(told.code).toBe('success');
    expect(told.out).toContain('and its database is sound');
    expect(traceOf(ground.hosts)).toEqual(old);
  });

  test.for(etcdVersions())(
    'leaves alone what an etcd $version runs on, or has left when it was killed',
    async (binaries) => {
      using ground = from.lay();
      await using etcd = await startEtcdCluster({
        binary: binaries.etcd,
        dataDir: ground.hosts,
        members: ['killed'],
      });
      const dataDir = join(ground.hosts, 'killed');
      const target = { ...from.etcd, clientUrls: etcd.clientUrls };
      // It ends with the etcd that it writes to.
      const written = fill(target, { bytes: 1024 ** 3 }).catch(() => undefined);
      const database = join(dataDir, 'member', 'snap', 'db');
      await expect.poll(() => statSync(database).size, { timeout: 60_000 }).toBeGreaterThan(4e6);
      const running = await init({ ...ground, dataDir });
      expect(running.out).toContain(`is in use: process ${etcd.members[0]?.pid} holds ${dataDir}`);
      await etcd.members[0]?.kill('SIGKILL');
      await written;
      const old = traceOf(dataDir);

      const told = await init({ ...ground, dataDir });

      expect([running.code, told.code]).toEqual(['success', 'success']);
      expect(told.out).toContain('and its database is sound');
      expect(traceOf(dataDir)).toEqual(old);
    },
  );

  const damages: Readonly<Record<string, (member: string) => void>> = {
    'a database with wrong bytes': (member) => {
      const path = join(member, 'snap', 'db');
      const bytes = readFileSync(path);
      // The heads of all pages but the two that tell where the others are.
      for (let at = 2 * 4096; at < bytes.length; at += 4096) bytes.fill(0xa5, at, at + 16);
      writeFileSync(path, bytes);
    },
    'a database that is cut off': (member) => truncateSync(join(member, 'snap', 'db'), 100_000),
    'no database': (member) => rmSync(join(member, 'snap', 'db')),
    'no log': (member) => rmSync(join(member, 'wal'), { recursive: true }),
    'a log of zeros': (member) => {
      const wal = join(member, 'wal');
      for (const name of readdirSync(wal)) writeFileSync(join(wal, name), Buffer.alloc(10_000));
    },
  };

  test.for(Object.keys(damages))('refuses %s, and leaves it', async (name) => {
    using ground = from.lay();
    damages[name]?.(join(ground.dataDir, 'member'));
    const old = traceOf(ground.hosts);

    const told = await init(ground, '--allow-none');

    expect(told.code).toBe('restore-refused');
    expect(complaintOf(told)).toContain(`${ground.dataDir} holds data that is damaged: `);
    expect(told.err).toContain('It was left as it is. Move it away');
    expect(traceOf(ground.hosts)).toEqual(old);
  });

  test('does not restore again when the data is gone, until somebody says so', async () => {
    using ground = layEmpty();
    await init(ground);
    rmSync(ground.dataDir, { recursive: true });

    for (const more of [[], ['--allow-none'], ['--force']]) {
      const told = await init(ground, ...more);
      expect(told.code).toBe('restore-refused');
      expect(complaintOf(told)).toContain(`is empty, but was restored from backup ${from.newest}`);
      expect(told.err).toContain(`remove ${ground.dataDir}.init-record`);
    }

    expect(ground.names()).toEqual(['m1.init-record']);
    rmSync(`${ground.dataDir}.init-record`);
    expect((await init(ground)).code).toBe('success');
    expect(ground.names()).toEqual(['m1', 'm1.init-record']);
  });

  test('lets etcd start empty only when every store says that there is no backup', async () => {
    using ground = layEmpty();
    const { storeDir } = ground.place;
    const [cluster = ''] = readdirSync(storeDir).filter((name) => /^[0-9a-f]{16}$/.test(name));
    for (const name of readdirSync(join(storeDir, cluster))) {
      if (name.endsWith('.json')) truncateSync(join(storeDir, cluster, name), 50);
    }
    expect((await init(ground, '--allow-none')).code).toBe('manifest-invalid');
    useStore(ground, join(ground.place.dir, 'unmounted', 'store'));
    expect((await init(ground, '--allow-none')).code).toBe('store-failed');
    useStore(ground, join(ground.place.dir, 'first'));
    expect((await init(ground)).code).toBe('backup-missing');

    const told = await init(ground, '--allow-none');

    expect(told).toMatchObject({
      code: 'success',
      out: 'nothing to do: there is no backup to start from\n',
    });
    expect(ground.names()).toEqual([]);
  });

  test('makes one cluster of hosts that chose the same backup, and of no others', async () => {
    using one = layEmpty();
    using two = layEmpty();
    using other = layEmpty();
    const members = 'm1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380';
    const words = ['--initial-cluster', members, '--initial-cluster-token', 'again', '--json'];

    const told = [
      await init(one, ...words),
      await init(two, ...words),
      await call(wordsOf(other, other.dataDir, words).with(1, from.older)),
    ];

    const reports = told.map(({ out }) => JSON.parse(out).restored);
    expect(reports.map(({ backup }) => backup)).toEqual([from.newest, from.newest, from.older]);
    const [first, second, third] = reports.map(({ cluster }) => cluster);
    expect(first.token).toBe(`again.${from.newest}`);
    expect(second).toEqual(first);
    expect(third.id).not.toBe(first.id);
  });

  test('leaves an empty directory to a member that joins a cluster', async () => {
    using ground = layEmpty();
    await init(ground);
    rmSync(ground.dataDir, { recursive: true });

    const joining = await init(ground, '--initial-cluster-state=existing');
    const wrong = await init(ground, '--initial-cluster-state=exists');

    expect(joining).toMatchObject({
      code: 'success',
      out: expect.stringMatching(/^nothing to do: the member joins a cluster that is there/),
    });
    expect(complaintOf(wrong)).toBe('--initial-cluster-state is new or existing, not exists');
    expect(ground.names()).toEqual(['m1.init-record']);
  });

  test('refuses files that are not of etcd, and a place outside of restore.roots', async () => {
    using ground = layEmpty();
    mkdirSync(ground.dataDir);
    writeFileSync(join(ground.dataDir, 'notes.txt'), 'mine');

    const foreign = await init(ground);
    const outside = await init(ground, '--restore.roots=/var/lib');

    expect([foreign.code, outside.code]).toEqual(['restore-refused', 'restore-refused']);
    expect(complaintOf(foreign)).toContain("holds files that are not etcd's");
    expect(complaintOf(outside)).toContain('is outside of restore.roots');
    expect(readdirSync(ground.dataDir)).toEqual(['notes.txt']);
  });

  test('calls no program that starts or stops etcd: its caller does', async () => {
    using ground = layEmpty();
    const program = join(ground.place.dir, 'systemctl');
    const calls = join(ground.place.dir, 'calls');
    writeFileSync(program, `#!/bin/sh\necho $1 >> '${calls}'\nexit 1\n`, { mode: 0o755 });

    const told = await init(ground, `--restore.before=${program}`, `--restore.after=${program}`);

    expect(told.code).toBe('success');
    expect(existsSync(calls)).toBe(false);
  });

  test('goes on after it was killed', async () => {
    using ground = layEmpty();
    const words = wordsOf(ground, ground.dataDir);
    const options = {
      nodeArgs: ['--import', preload],
      env: { KILL_AT: 'event restore step build took' },
    };

    expect(await runProgram([...words, '--log.level=debug'], options)).toMatchObject({
      signal: 'SIGKILL',
    });
    expect(ground.names()).toEqual(['m1.restoring-RANDOM']);
    expect((await init(ground)).code).toBe('success');

    expect(ground.names()).toEqual(['m1', 'm1.init-record']);
  });

  test.runIf(canMount())('keeps its record inside of a mount point', async () => {
    using ground = layEmpty();
    const disk = smallDisk(join(folder(), 'disk'));
    mkdirSync(join(disk, 'lost+found'));

    expect((await init({ ...ground, dataDir: disk })).code).toBe('success');

    expect(namesIn(disk)).toEqual(['lost+found', 'member', 'member.init-record']);
    expect(await served(from.etcd, disk)).toEqual(['/older', '/newest']);
    expect((await init({ ...ground, dataDir: disk })).out).toMatch(/^nothing to do: /);
    rmSync(join(disk, 'member'), { recursive: true });
    expect((await init({ ...ground, dataDir: disk })).code).toBe('restore-refused');
    expect(namesIn(disk)).toEqual(['lost+found', 'member.init-record']);
  });
});
