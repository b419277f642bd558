/** A drill with everything real but the etcd that serves what was restored. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import type { DrillDeps } from '../../../src/engine/deps.ts';
import { type DrillReport, type DrillWanted, runDrill } from '../../../src/engine/drill.ts';
import type { Prover } from '../../../src/spool/prover.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { FakeEtcdProgram } from '../../support/fake-etcd-program.ts';
import { hourMs, openWorkshop, signal, type Workshop, type WorkshopOptions } from './workshop.ts';

interface Changes extends Partial<DrillDeps> {
  readonly ending?: AbortSignal;
}

interface Ground extends AsyncDisposable {
  readonly work: Workshop;
  readonly etcd: FakeEtcdProgram;
  drill(wanted?: Partial<DrillWanted>, changes?: Changes): Promise<DrillReport>;
  /** The proof that the newest backup of the store has. */
  proof(store: string): Promise<Manifest['proofs']['restored']>;
}

function ground(options: WorkshopOptions = {}): Ground {
  const work = openWorkshop(options);
  const etcd = new FakeEtcdProgram();
  const deps = {
    ...work.deps,
    drill: { etcd, startLimitMs: 60_000 },
    // A program that a drill must not run: it would fail.
    restore: { roots: ['/nowhere'], before: ['/bin/false'], after: [], hookLimitMs: 1000 },
  };
  return {
    work,
    etcd,
    drill: (wanted = {}, { ending = signal, ...changes } = {}) => {
      const all = { backup: 'latest', store: null, cluster: null, ...wanted } as const;
      return runDrill(all, { ...deps, ...changes }, { signal: ending });
    },
    proof: async (store) => (await work.listed(store)).at(-1)?.proofs.restored,
    [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
  };
}

function expectNothingLeft({ work, etcd }: Ground): void {
  expect(work.spooled()).toEqual([]);
  expect(etcd.running).toBe(0);
}

function failureOf(report: DrillReport): Failure {
  if (report.outcome === 'passed') throw new Error('the drill passed');
  return report.failure;
}

describe.concurrent('a drill that passes', () => {
  test('writes the proof into the manifest, with its time and what was compared', async () => {
    await using on = ground({ stores: ['disk'] });
    on.work.cluster.compact(20n);
    const { id } = await on.work.backup();
    on.work.pass(hourMs);

    const report = await on.drill();

    const [{ keys, hashKv } = expect.unreachable()] = await on.work.listed('disk');
    expect(report).toMatchObject({ outcome: 'passed', backup: id, store: 'disk' });
    expect(hashKv.compactRevision).toBe(20n);
    expect(await on.proof('disk')).toEqual({
      at: on.work.deps.now(),
      outcome: 'passed',
      evidence: {
        etcd: '3.5.30',
        revision: String(hashKv.revision),
        hashKv: hashKv.hash,
        keys,
        tookMs: expect.any(Number),
      },
    });
    expectNothingLeft(on);
  });

  test('tells itself, and nothing of a restore but its steps', async () => {
    await using on = ground({ stores: ['disk'] });
    const { id } = await on.work.backup();
    const before = on.work.events.length;

    await on.drill();

    const told = on.work.events.slice(before);
    expect(told[0]).toEqual({ kind: 'drill-started', backup: id, store: 'disk' });
    expect(told.at(-1)).toMatchObject({ kind: 'drill-finished', backup: id, store: 'disk' });
    const kinds = new Set(told.slice(1, -1).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['restore-advanced', 'restore-step-finished']);
  });

  test('serves the data directory from a private folder in the spool', async () => {
    await using on = ground({ stores: ['disk'] });
    await on.work.backup();

    await on.drill();

    const [plan] = on.etcd.plans;
    expect(plan?.folder).toMatch(new RegExp(`^${on.work.spoolDir}/drill-\\d+-\\d+-\\d+$`));
    expect(plan?.dataDir).toBe(`${plan?.folder}/data`);
  });

  test('leaves the rest of the manifest to whoever changes it meanwhile', async () => {
    await using on = ground({ stores: ['disk'] });
    const { id } = await on.work.backup();
    const hold = { at: on.work.deps.now(), reason: 'evidence' };
    on.etcd.onStart = async () => {
      const held = (current: Manifest): Manifest => ({ ...current, hold });
      await on.work.catalog('disk').amend(id!, held, { signal });
    };

    await on.drill();

    const [manifest] = await on.work.listed('disk');
    expect(manifest?.hold).toEqual(hold);
    expect(manifest?.proofs.restored?.outcome).toBe('passed');
  });

  test('is the turn of each store, one after the other', async () => {
    await using on = ground({ stores: ['memory', 'disk'] });
    const store = async (): Promise<string> => {
      on.work.pass(hourMs);
      const report = await on.drill();
      return report.outcome === 'passed' ? report.store : report.outcome;
    };

    await on.work.backup();
    const stores = [await store()];
    await on.work.backup();
    stores.push(await store(), await store());

    expect(stores).toEqual(['memory', 'disk', 'memory']);
  });

  test('is of the backup and the store that are named', async () => {
    await using on = ground();
    const { id } = await on.work.backup();
    on.work.pass(hourMs);
    await on.work.backup();

    const report = await on.drill({ backup: id!, store: 'disk' });

    expect(report).toMatchObject({ outcome: 'passed', backup: id, store: 'disk' });
  });
});

describe.concurrent('a drill fails with the reason, which is written down,', () => {
  const cases = {
    'of another content': [{ hash: 1 }, /HashKV at revision \d+ is \d+, not \d+/],
    'of keys that are missing': [{ keys: -1 }, /has 30 keys at revision \d+, not 31/],
    'of another compaction': [{ compact: null }, /compaction none, not 20/],
  } as const;

  test.for(Object.entries(cases))('because %s', async ([, [off, reason]]) => {
    await using on = ground({ stores: ['disk'] });
    on.work.cluster.compact(20n);
    const { id } = await on.work.backup();
    on.etcd.off = off;

    const report = await on.drill();

    const failure = failureOf(report);
    expect(failure).toMatchObject({ code: 'drill-failed', message: expect.stringMatching(reason) });
    expect(await on.proof('disk')).toMatchObject({
      outcome: 'failed',
      evidence: { etcd: '3.5.30', reason: failure.message },
    });
    const told = on.work.of('drill-failed');
    expect(told).toEqual([{ kind: 'drill-failed', backup: id, store: 'disk', failure }]);
    expectNothingLeft(on);
  });

  test('because of bytes that were changed', async () => {
    await using on = ground({ stores: ['disk'] });
    const { id } = await on.work.backup();
    const [{ sealed } = expect.unreachable()] = await on.work.listed('disk');
    const path = join(on.work.dir, 'store', sealed.object);
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(9000) ^ 1, 9000);
    writeFileSync(path, bytes);

    const report = await on.drill({ backup: id! });

    expect(failureOf(report).code).toBe('object-damaged');
    expect(await on.proof('disk')).toMatchObject({ outcome: 'failed' });
    expect(on.etcd.plans).toEqual([]);
    expectNothingLeft(on);
  });

  test('and the next drill takes the copy of another store', async () => {
    await using on = ground({ stores: ['memory', 'disk'] });
    await on.work.backup();
    on.etcd.off = { hash: 1 };
    await on.drill();
    on.etcd.off = {};

    const report = await on.drill();

    expect(report).toMatchObject({ outcome: 'passed', store: 'disk' });
  });
});

describe.concurrent('a drill says nothing against the backup', () => {
  test('when the etcd does not start', async () => {
    await using on = ground({ stores: ['disk'] });
    await on.work.backup();
    on.etcd.broken = new Failure('etcd-start', 'it ended before it was healthy');

    const report = await on.drill();

    expect(failureOf(report).code).toBe('etcd-start');
    expect(await on.proof('disk')).toBeUndefined();
    expectNothingLeft(on);
  });

  test('when the etcd is older, and names the setting to change', async () => {
    await using on = ground({ stores: ['disk'] });
    await on.work.backup();
    on.etcd.installed = '3.4.23';

    const failure = failureOf(await on.drill());

    expect(failure.message).toMatch(/backup is of etcd 3\.5, and etcd 3\.4\.23 is older/);
    expect(failure.hint).toMatch(/drill\.etcdBinary/);
    expect(await on.proof('disk')).toBeUndefined();
    expect(on.etcd.plans).toEqual([]);
  });

  test('when the spool has no room for it', async () => {
    await using on = ground({ stores: ['disk'] });
    await on.work.backup();
    const spool = openSpool({ dir: on.work.spoolDir, maxBytes: 1 });

    const report = await on.drill({}, { spool });

    expect(failureOf(report).code).toBe('spool-full');
    expect(await on.proof('disk')).toBeUndefined();
  });

  test('when it is aborted: that alone is thrown, and nothing is told or left', async () => {
    await using on = ground({ stores: ['disk'] });
    await on.work.backup();
    const abort = new AbortController();
    const stopped = new Failure('stopped', 'the daemon is stopping');
    on.etcd.onStart = async (options) => {
      abort.abort(stopped);
      options.signal.throwIfAborted();
    };

    await expect(on.drill({}, { ending: abort.signal })).rejects.toBe(stopped);

    expect(on.work.of('drill-failed')).toEqual([]);
    expect(await on.proof('disk')).toBeUndefined();
    expectNothingLeft(on);
  });

  test('when it is aborted while the database is proved, which is not waited for', async () => {
    await using on = ground({ stores: ['disk'] });
    await on.work.backup();
    const abort = new AbortController();
    const ended = Promise.withResolvers<never>();
    const prove = (): Prover => ({
      advance: () => undefined,
      caughtUp: async () => undefined,
      finish: () => {
        abort.abort(new Failure('stopped', 'the daemon is stopping'));
        return ended.promise;
      },
      hashKv: () => ended.promise,
      [Symbol.asyncDispose]: async () => ended.reject(new Error('the thread was ended')),
    });

    const drilled = on.drill({}, { prove, ending: abort.signal });

    await expect(drilled).rejects.toMatchObject({ code: 'stopped' });
    expectNothingLeft(on);
  });
});

describe.concurrent('a drill is skipped', () => {
  test('without an etcd program, before anything is fetched', async () => {
    await using on = ground({ stores: ['disk'] });
    await on.work.backup();
    on.etcd.installed = undefined;
    const before = on.work.store('disk').calls.length;

    const report = await on.drill();

    expect(report).toMatchObject({ outcome: 'skipped', failure: { code: 'etcd-start' } });
    expect(on.work.of('drill-skipped')).toEqual([
      {
        kind: 'drill-skipped',
        reason: 'no-etcd',
        detail: '/no/etcd cannot be run: there is no such file',
      },
    ]);
    expect(on.work.store('disk').calls).toHaveLength(before);
  });

  test('while there is no backup yet', async () => {
    await using on = ground();

    const report = await on.drill();

    expect(report).toMatchObject({ outcome: 'skipped', failure: { code: 'backup-missing' } });
    expect(on.work.of('drill-skipped')).toMatchObject([{ reason: 'no-backup' }]);
  });

  test('but not when nobody knows, or a backup was named: then it fails', async () => {
    await using on = ground({ stores: ['memory'] });
    on.work.store('memory').fail('list', 1, new Failure('store-failed', 'the disk is gone'));
    on.work.store('memory').fail('list', 2, new Failure('store-failed', 'the disk is gone'));

    const unread = await on.drill();
    const named = await on.drill({ backup: '20261120T154500Z-r00000000000000001-abcd' as never });

    expect(unread).toMatchObject({ outcome: 'failed', backup: null });
    expect(failureOf(unread).code).toBe('store-failed');
    expect(named).toMatchObject({ outcome: 'failed', failure: { code: 'backup-missing' } });
    expect(on.work.of('drill-failed')).toHaveLength(2);
  });
});
