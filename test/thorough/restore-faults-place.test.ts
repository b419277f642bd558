/** Places that no restore may take, or only on purpose; and restores that only look. */
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEtcdCluster } from '../../src/cluster/servers.ts';
import { etcdVersions, needEtcd } from '../support/etcd.ts';
import { worker } from '../support/house.ts';
import {
  complaintOf,
  copy,
  namesIn,
  type Origin,
  origin,
  restore,
  traceOf,
} from '../support/restoring.ts';
import { call } from '../unit/cli/calling.ts';

describe('a restore', () => {
  let from: Origin;
  beforeAll(async () => {
    from = await origin('3.5');
  });
  afterAll(() => from[Symbol.asyncDispose]());

  test.for([etcdVersions().at(0)!, etcdVersions().at(-1)!])(
    'never acts under a running etcd ($version), whatever is forced, but looks',
    async (binaries) => {
      using ground = from.lay();
      await using etcd = await startEtcdCluster({
        binary: binaries.etcd,
        dataDir: ground.hosts,
        members: ['other'],
      });
      const [member] = etcd.members;
      const dir = join(ground.hosts, 'other');
      await using engine = worker(ground.place);
      const before = readdirSync(ground.hosts).toSorted();

      const refused = {
        code: 'restore-refused',
        message: expect.stringContaining('is running on'),
      };
      await expect(restore(engine, dir, { force: true })).rejects.toMatchObject(refused);
      await expect(restore(engine, dir, { force: true })).rejects.toMatchObject({
        message: expect.stringContaining(`process ${member?.pid} holds ${dir}/member/`),
        hint: 'Stop this etcd first. Nothing overrides this.',
      });

      expect(engine.of('restore-advanced')).toEqual([]);
      expect(readdirSync(ground.hosts).toSorted()).toEqual(before);
      const looked = await restore(engine, dir, { force: true, dryRun: true });
      expect(looked).toMatchObject({ dryRun: true, aside: null });
      expect(readdirSync(ground.hosts).toSorted()).toEqual(before);
      expect(member?.running).toBe(true);
      await etcd.stop();
      expect(await restore(engine, dir, { force: true })).toMatchObject({ dataDir: dir });
    },
  );

  test('stays below restore.roots, by whatever way it is told to leave', async () => {
    using ground = from.lay();
    const { hosts, place } = ground;
    const outside = join(place.dir, 'outside');
    mkdirSync(outside);
    mkdirSync(join(hosts, 'deep'));
    symlinkSync(outside, join(hosts, 'exit'));
    symlinkSync(join(outside, 'etcd'), join(hosts, 'link'));
    const words = ['restore', 'latest', '--name', 'm1', '--force', `--restore.roots=${hosts}`];
    const into = (path: string) => call([...words, '--data-dir', path, ...place.words()]);

    for (const path of [
      ...[`${outside}/etcd`, hosts, `${hosts}/../outside/etcd`, `${hosts}/exit/etcd`],
      ...[`${hosts}/deep/../../outside/etcd`, '/'],
    ]) {
      const told = await into(path);
      expect(told.code).toBe('restore-refused');
      expect(complaintOf(told)).toMatch(/ is outside of restore\.roots; it names \//);
    }
    for (const path of ['link', 'deep/missing/etcd', 'exit/../outside/etcd']) {
      expect((await into(`${hosts}/${path}`)).code).toBe('restore-refused');
    }

    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(hosts).toSorted()).toEqual(['deep', 'exit', 'link', 'm1']);
    expect((await into(`${hosts}/deep/../deep/etcd`)).code).toBe('success');
    expect(readdirSync(join(hosts, 'deep'))).toEqual(['etcd']);
  });

  test('moves the data of another cluster aside only on purpose', async () => {
    using ground = from.lay();
    await using engine = worker(ground.place);
    const first = await restore(engine, ground.dataDir);
    const other = traceOf(ground.dataDir);

    const refused = await call(ground.words);
    expect(refused.code).toBe('restore-refused');
    expect(complaintOf(refused)).toMatch(
      new RegExp(`${ground.dataDir} belongs to cluster ${first.cluster.id}, the backup to `),
    );
    expect(refused.err).toContain('repeat with --force: the directory is moved aside');
    expect(traceOf(ground.dataDir)).toEqual(other);

    const forced = await call([...ground.words, '--force', '--json']);
    expect(traceOf(JSON.parse(forced.out).aside)).toEqual(other);
    expect(ground.names()).toEqual(['m1', 'm1.before-restore-TIME', 'm1.before-restore-TIME']);
  });

  test('moves foreign files aside only on purpose', async () => {
    using ground = from.lay();
    const dir = join(ground.hosts, 'home');
    mkdirSync(dir);
    writeFileSync(join(dir, 'letter.txt'), 'dear etcd');
    await using engine = worker(ground.place);

    await expect(restore(engine, dir)).rejects.toMatchObject({
      code: 'restore-refused',
      message: `${dir} holds files that are not etcd's`,
    });
    expect(readdirSync(dir)).toEqual(['letter.txt']);

    const { aside } = await restore(engine, dir, { force: true });
    expect(readFileSync(join(aside ?? '', 'letter.txt'), 'utf8')).toBe('dear etcd');
  });

  test('takes no file, no link and no place in a folder that is not there', async () => {
    using ground = from.lay();
    const { hosts } = ground;
    writeFileSync(join(hosts, 'file'), 'mine');
    symlinkSync(ground.dataDir, join(hosts, 'link'));
    symlinkSync(join(hosts, 'nowhere'), join(hosts, 'dangling'));
    await using engine = worker(ground.place);
    const old = traceOf(hosts);

    for (const name of ['file', 'link', 'dangling', 'dangling/m1', 'link/m1', 'missing/m1']) {
      const restored = restore(engine, join(hosts, name), { force: true });
      await expect(restored).rejects.toMatchObject({
        code: 'restore-refused',
        message: expect.stringContaining(join(hosts, name.split('/')[0] ?? '')),
      });
    }

    expect(traceOf(hosts)).toEqual(old);
  });

  test('goes down a version only on purpose, and that etcd serves it then', async () => {
    using ground = from.lay();
    const older = needEtcd('3.4');
    const words = [...ground.words, '--etcd-version', older.version];

    const refused = await call(words);
    expect(refused.code).toBe('restore-refused');
    expect(complaintOf(refused)).toBe(
      `the backup is of etcd 3.5, and etcd ${older.version} is older: ` +
        'going back is not supported by etcd',
    );
    expect(refused.err).toContain('--force tries it all the same');
    expect(ground.names()).toEqual(['m1']);

    const forced = await call([...words, '--force']);
    expect(forced.code).toBe('success');
    expect(forced.out).toMatch(/^WARNING +the backup is of etcd 3\.5, and .* is older; forced$/m);
    expect(await ground.served(older)).toEqual(['/older', '/newest']);
  });

  test('that only looks leaves no trace', async () => {
    using ground = from.lay();
    const calls = join(ground.place.dir, 'calls');
    const program = join(ground.place.dir, 'stop');
    writeFileSync(program, `#!/bin/sh\necho $1 >> '${calls}'\n`, { mode: 0o755 });
    const [host, store] = [traceOf(ground.hosts), traceOf(ground.place.storeDir)];
    const spool = traceOf(ground.place.spoolDir);
    const programs = [`--restore.before=${program}`, `--restore.after=${program}`];

    const told = await call([...ground.words, ...programs, '--dry-run']);
    const plan = await call([...ground.words, ...programs, '--plan']);
    const damaged = await call([...ground.words, '--dry-run', '--etcd-version=3.4.0']);

    expect([told.code, plan.code, damaged.code]).toEqual(['success', 'success', 'restore-refused']);
    expect(told.out).toMatch(/^dry run: .*m1 could be restored; nothing was changed\n/);
    // The folder around was written to meanwhile, and is as it was.
    const settled = ({ '.': _, ...rest }: Record<string, string>) => rest;
    expect(settled(traceOf(ground.hosts))).toEqual(settled(host));
    expect(traceOf(ground.place.storeDir)).toEqual(store);
    expect(traceOf(ground.place.spoolDir)).toEqual(spool);
    expect(readdirSync(ground.place.dir)).not.toContain('calls');
  });

  test('refuses while another one is at work on the same place, which then succeeds', async () => {
    using ground = from.lay();
    const rivals: Promise<unknown>[] = [];
    await using rival = worker(ground.place);
    const answered = join(ground.place.dir, 'answered');
    const waiting = join(ground.place.dir, 'waiting');
    const lines = `while [ "$1" = run ] && [ ! -e '${answered}' ]; do sleep 0.05; done`;
    writeFileSync(waiting, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
    ground.place.settings['restore.before'] = waiting;
    await using engine = worker(ground.place, (event) => {
      if (event.kind !== 'restore-step-finished' || event.step !== 'fetch') return;
      const refused = restore(rival, ground.dataDir).catch((error: unknown) => error);
      rivals.push(refused.finally(() => writeFileSync(answered, '')));
    });

    const { aside } = await restore(engine, ground.dataDir);

    expect(await Promise.all(rivals)).toMatchObject([
      { code: 'restore-refused', message: expect.stringContaining('is restoring into') },
    ]);
    expect(namesIn(ground.hosts)).toEqual(['m1', 'm1.before-restore-TIME']);
    rmSync(ground.dataDir, { recursive: true });
    copy(aside ?? '', ground.dataDir);
    expect(await ground.served()).toEqual(['/older', '/newest', '/later']);
  });
});
