/** The operator's programs around the swap, and what becomes of a restore that fails among them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEtcdCluster } from '../../src/cluster/servers.ts';
import { runProgram, worker } from '../support/house.ts';
import {
  complaintOf,
  type Ground,
  type Origin,
  origin,
  restore,
  traceOf,
} from '../support/restoring.ts';
import { call } from '../unit/cli/calling.ts';

/**
 * A program that writes down its name, its word and whether the old data is in its place, and then
 * does what the lines say.
 */
function program(ground: Ground, name: string, lines = ''): string {
  const path = join(ground.place.dir, name);
  const where = `$([ -e '${ground.dataDir}/old' ] && echo old || echo new)`;
  const call = `echo "${name} $* ${where}" >> '${ground.place.dir}/calls'`;
  writeFileSync(path, `#!/bin/sh\n${call}\n${lines}\n`, { mode: 0o755 });
  return path;
}

function callsIn({ place }: Ground): string[] {
  const path = join(place.dir, 'calls');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

function use(ground: Ground, before: readonly string[], after: readonly string[]): void {
  ground.place.settings['restore.before'] = before.join(',');
  if (after.length > 0) ground.place.settings['restore.after'] = after.join(',');
}

describe('programs around a restore', () => {
  let from: Origin;
  beforeAll(async () => {
    from = await origin('3.5');
  });
  afterAll(() => from[Symbol.asyncDispose]());

  function lay(): Ground {
    const ground = from.lay();
    writeFileSync(join(ground.dataDir, 'old'), '');
    return ground;
  }

  test('are called in order, before and after the swap', async () => {
    using ground = lay();
    const [one, two, three, four] = ['one', 'two', 'three', 'four'].map((n) => program(ground, n));
    use(ground, [one!, two!], [three!, four!]);
    await using engine = worker(ground.place);

    await restore(engine, ground.dataDir);

    expect(callsIn(ground)).toEqual([
      'one run old',
      'two run old',
      'three run new',
      'four run new',
    ]);
  });

  test('have our environment, and do not speak to systemd in our name', async () => {
    using ground = lay();
    const file = join(ground.place.dir, 'env');
    const words = [
      ...ground.words,
      `--restore.before=${program(ground, 'one', `env > '${file}'`)}`,
    ];
    const systemd = { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '90000000', WATCHDOG_PID: '1' };

    const { code, stderr } = await runProgram(words, { env: { ...systemd, SITE: 'north' } });

    expect(code, stderr).toBe(0);
    const env = readFileSync(file, 'utf8');
    expect(env).toMatch(/^SITE=north$/m);
    expect(env).not.toMatch(/NOTIFY_SOCKET|WATCHDOG/);
  });

  test('stop the etcd that may run until then', async () => {
    using ground = from.lay();
    const etcd = await startEtcdCluster({
      binary: from.etcd.binaries.etcd,
      dataDir: ground.hosts,
      members: ['m1'],
      peerUrls: from.etcd.members.map(({ peerUrl }) => peerUrl),
    });
    const wait = 'while kill -0 $pid 2>/dev/null; do sleep 0.05; done';
    use(ground, [program(ground, 'stop', `pid=${etcd.members[0]?.pid}; kill $pid; ${wait}`)], []);
    await using engine = worker(ground.place);

    await restore(engine, ground.dataDir);

    expect(etcd.members[0]?.running).toBe(false);
    await etcd.stop();
    expect(await ground.served()).toEqual(['/older', '/newest']);
  });

  test('that do not stop the etcd are undone, and it runs on', async () => {
    using ground = from.lay();
    await using etcd = await startEtcdCluster({
      binary: from.etcd.binaries.etcd,
      dataDir: ground.hosts,
      members: ['m1'],
      peerUrls: from.etcd.members.map(({ peerUrl }) => peerUrl),
    });
    use(ground, [program(ground, 'one'), program(ground, 'two')], [program(ground, 'three')]);
    await using engine = worker(ground.place);

    await expect(restore(engine, ground.dataDir)).rejects.toMatchObject({
      code: 'restore-refused',
      message: expect.stringContaining(`process ${etcd.members[0]?.pid} holds`),
    });

    expect(callsIn(ground).map((line) => line.replace(/ \w+$/, ''))).toEqual([
      ...['one run', 'two run', 'two undo', 'one undo'],
    ]);
    expect(ground.names()).toEqual(['m1']);
    await etcd.members[0]?.untilHealthy();
  });

  test('that fail before it end the restore, and those before them are undone', async () => {
    using ground = lay();
    const old = traceOf(ground.dataDir);
    const two = program(ground, 'two', '[ $1 = undo ] || { echo cannot stop it; exit 7; }');
    use(ground, [program(ground, 'one'), two, program(ground, 'three')], [program(ground, 'four')]);

    const told = await call(ground.words);

    expect(told.code).toBe('restore-failed');
    expect(told.err).toContain(`${two} run failed (7):\n  cannot stop it\n`);
    expect(told.err).toContain('The old data directory is where it was.');
    expect(callsIn(ground)).toEqual(['one run old', 'two run old', 'two undo old', 'one undo old']);
    expect(traceOf(ground.dataDir)).toEqual(old);
    expect(ground.names()).toEqual(['m1']);
  });

  test('that hang are given up at their limit', async () => {
    using ground = lay();
    const slow = program(ground, 'slow', '[ $1 = undo ] || sleep 600');
    use(ground, [slow], []);
    ground.place.settings['restore.programLimit'] = '1s';
    await using engine = worker(ground.place);

    await expect(restore(engine, ground.dataDir)).rejects.toMatchObject({
      code: 'restore-failed',
      message: `${slow} run did not end within 1s`,
    });

    expect(callsIn(ground)).toEqual(['slow run old', 'slow undo old']);
    expect(ground.names()).toEqual(['m1']);
  });

  test('are undone when the restore is stopped among them', async () => {
    using ground = lay();
    const old = traceOf(ground.dataDir);
    const stop = new AbortController();
    const reason = new Error('asked to stop');
    const slow = program(ground, 'slow', '[ $1 = undo ] || exec sleep 600');
    use(ground, [program(ground, 'one'), slow], [program(ground, 'three')]);
    await using engine = worker(ground.place);

    const restored = restore(engine, ground.dataDir, {}, { signal: stop.signal });
    const isCalled = (): boolean => callsIn(ground).includes('slow run old');
    void expect
      .poll(isCalled, { timeout: 60_000 })
      .toBe(true)
      .then(() => stop.abort(reason));

    await expect(restored).rejects.toMatchObject({ cause: reason });
    expect(callsIn(ground).slice(2)).toEqual(['slow undo old', 'one undo old']);
    expect(traceOf(ground.dataDir)).toEqual(old);
    expect(ground.names()).toEqual(['m1']);
  });

  test('that fail after it say that the new data directory is in its place', async () => {
    using ground = lay();
    const start = program(ground, 'start', 'echo no such unit >&2; exit 5');
    use(ground, [program(ground, 'stop')], [start, program(ground, 'another')]);

    const told = await call(ground.words);

    expect(told.code).toBe('restore-failed');
    expect(told.err).toContain(`${start} run failed (5):\n  no such unit\n`);
    expect(told.err).toContain('The new data directory IS in its place, the old data is ');
    expect(told.err).not.toContain('The old data directory is where it was');
    expect(callsIn(ground)).toEqual(['stop run old', 'start run new']);
    expect(ground.names()).toEqual(['m1', 'm1.before-restore-TIME']);
    expect(await ground.served()).toEqual(['/older', '/newest']);
  });

  test('that fail after it say so also to whoever has stopped the restore', async () => {
    using ground = lay();
    const stop = new AbortController();
    const go = join(ground.place.dir, 'go');
    const start = program(ground, 'start', `while [ ! -e '${go}' ]; do sleep 0.05; done; exit 5`);
    use(ground, [program(ground, 'stop')], [start]);
    await using engine = worker(ground.place);

    const restored = restore(engine, ground.dataDir, {}, { signal: stop.signal });
    const isCalled = (): boolean => callsIn(ground).includes('start run new');
    void expect
      .poll(isCalled, { timeout: 60_000 })
      .toBe(true)
      .then(() => {
        stop.abort(new Error('asked to stop'));
        writeFileSync(go, '');
      });

    await expect(restored).rejects.toMatchObject({
      code: 'restore-failed',
      hint: expect.stringContaining('The new data directory IS in its place'),
    });
  });

  test('that cannot be undone are told with the failure before them', async () => {
    using ground = lay();
    const one = program(ground, 'one', '[ $1 = run ] || exit 9');
    use(ground, [one, program(ground, 'two', '[ $1 = undo ] || exit 7')], []);

    const told = await call(ground.words);

    expect(told.code).toBe('restore-failed');
    expect(told.err).toContain(`two run failed (7)\n  and ${one} undo failed (9)`);
    expect(told.err).toContain('Start by hand what is not running');
  });

  test('have to be there before anything is done', async () => {
    using ground = lay();
    const missing = join(ground.place.dir, 'missing');
    use(ground, [program(ground, 'one')], [missing]);

    const told = await call(ground.words);

    expect(told.code).toBe('restore-refused');
    expect(complaintOf(told)).toBe(`${missing} cannot be run: it does not exist`);
    expect(callsIn(ground)).toEqual([]);
    expect(ground.names()).toEqual(['m1']);
  });
});
