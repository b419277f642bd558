import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AlarmAction, AlarmType } from 'etcd3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackupId } from '../../src/core/backup.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { candidates } from '../../src/engine/candidates.ts';
import type { DrillDeps } from '../../src/engine/deps.ts';
import { type DrillReport, runDrill } from '../../src/engine/drill.ts';
import { startDaemonProcess } from '../support/daemon.ts';
import { etcdsBelow, portsOf, untilEtcdBelow } from '../support/drills.ts';
import { cluster, enableAuth, minorsHere, needEtcd, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Worker, type Workplace, worker, workplace } from '../support/house.ts';
import { connect, seed } from '../support/workload.ts';

const { signal } = new AbortController();
const latest = { backup: 'latest', store: null, cluster: null } as const;

/** A place whose drills use the etcd of a version: the cluster's own unless told. */
function drillPlace(etcd: TestCluster, version = etcd.binaries.version): Workplace {
  const place = workplace(etcd);
  place.settings['drill.etcdBinary'] = needEtcd(version).etcd;
  place.settings['drill.startLimit'] = '30s';
  return place;
}

function drill({ deps }: { readonly deps: DrillDeps }): Promise<DrillReport> {
  return runDrill(latest, deps, { signal });
}

async function manifestOf({ deps }: Worker, id: BackupId | null): Promise<Manifest> {
  const { clusterId } = await deps.cluster.survey({ signal });
  const catalog = deps.openCatalog(deps.shelves[0]!.store, clusterId);
  return catalog.find(id as BackupId, { signal });
}

/** Throws what was wrong, which tells more than that something was. */
function passed(report: DrillReport): Extract<DrillReport, { outcome: 'passed' }> {
  if (report.outcome === 'passed') return report;
  throw report.failure;
}

/** As etcd does where its quota is used up. */
async function raiseAlarm(etcd: TestCluster): Promise<void> {
  const client = connect(etcd);
  const { header } = await client.maintenance.status();
  const memberID = header.member_id;
  await client.maintenance.alarm({
    action: AlarmAction.Activate,
    alarm: AlarmType.Nospace,
    memberID,
  });
  client.close();
}

function expectNothingLeft(place: Workplace): void {
  expect(readdirSync(place.spoolDir)).toEqual([]);
  expect(etcdsBelow(place.spoolDir)).toEqual([]);
}

describe.concurrent.each(minorsHere(['3.4', '3.5', '3.7']))('a drill with etcd %s', (version) => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster(version);
    await seed(etcd, { users: true });
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('serves what was backed up, writes down the proof, and leaves nothing', async () => {
    using place = drillPlace(etcd);
    await using engine = worker(place);
    const { id } = await engine.backup();
    const ports: number[][] = [];

    const report = await drill({ deps: watched(engine.deps, (pid) => ports.push(portsOf(pid))) });

    const { proofs, keys, hashKv } = await manifestOf(engine, id);
    expect(passed(report)).toMatchObject({ backup: id, store: 'local' });
    expect(proofs.restored).toMatchObject({
      outcome: 'passed',
      evidence: {
        etcd: etcd.binaries.version,
        revision: String(hashKv.revision),
        hashKv: hashKv.hash,
        keys,
      },
    });
    expect(keys).toBeGreaterThan(20);
    expect(ports).toEqual([[]]);
    expect(engine.of('drill-finished')).toHaveLength(1);
    expect(engine.of('restore-finished')).toEqual([]);
    expectNothingLeft(place);
  });

  /** Tells the process at the moment it serves. */
  function watched(deps: Worker['deps'], see: (pid: number) => void): DrillDeps {
    const { etcd: program } = deps.drill;
    const serve: typeof program.serve = async (plan, options) => {
      const serving = await program.serve(plan, options);
      for (const pid of etcdsBelow(plan.folder)) see(pid);
      return serving;
    };
    return { ...deps, drill: { ...deps.drill, etcd: { ...program, serve } } };
  }
});

describe.concurrent('a drill', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await seed(etcd);
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('fails on a damaged copy, says why, and the copy counts no more', async () => {
    using place = drillPlace(etcd);
    await using engine = worker(place);
    const { id } = await engine.backup();
    const files = readdirSync(place.storeDir, { recursive: true }).map(String);
    const data = join(place.storeDir, files.find((name) => name.endsWith('.db')) ?? '');
    const bytes = readFileSync(data);
    bytes.writeUInt8(bytes.readUInt8(9000) ^ 1, 9000);
    writeFileSync(data, bytes);

    const report = await drill(engine);

    expect(report).toMatchObject({ outcome: 'failed', failure: { code: 'object-damaged' } });
    const { proofs } = await manifestOf(engine, id);
    expect(proofs.restored).toMatchObject({ outcome: 'failed' });
    expect(proofs.restored?.evidence['reason']).toMatch(/SHA-256/);
    expect(engine.of('drill-failed')).toMatchObject([{ backup: id, store: 'local' }]);
    expectNothingLeft(place);
  });

  test('refuses a backup of a newer etcd, which says nothing against the backup', async () => {
    using place = drillPlace(etcd, '3.4');
    await using engine = worker(place);
    const { id } = await engine.backup();

    const report = await drill(engine);

    expect(report).toMatchObject({ outcome: 'failed', failure: { code: 'restore-refused' } });
    const { failure } = report as Extract<DrillReport, { outcome: 'failed' }>;
    expect(failure.message).toMatch(/^the backup is of etcd 3\.5, and etcd 3\.4\.\d+ is older/);
    expect(failure.hint).toMatch(/drill\.etcdBinary/);
    expect((await manifestOf(engine, id)).proofs.restored).toBeUndefined();
    expectNothingLeft(place);
  });

  test('serves a backup of a cluster with authentication without knowing a password', async () => {
    await using closed = await cluster('3.5');
    await seed(closed);
    await enableAuth(closed, 'secret');
    using place = drillPlace(closed);
    writeFileSync(join(place.dir, 'password'), 'secret', { mode: 0o600 });
    place.settings['cluster.auth.username'] = 'root';
    place.settings['cluster.auth.passwordFile'] = join(place.dir, 'password');
    await using engine = worker(place);
    await engine.backup();

    const report = await drill(engine);

    expect(passed(report).store).toBe('local');
    expectNothingLeft(place);
  });

  test('serves a backup of a cluster whose disk was full', async () => {
    await using full = await cluster('3.5');
    await seed(full);
    await raiseAlarm(full);
    using place = drillPlace(full);
    await using engine = worker(place);
    const { id } = await engine.backup();

    const report = await drill(engine);

    expect((await manifestOf(engine, id)).found.alarms).toHaveLength(1);
    expect(passed(report).store).toBe('local');
    expectNothingLeft(place);
  });

  test('tells the end of the log of an etcd that does not start', async () => {
    using place = drillPlace(etcd);
    await using engine = worker(place);
    const { id } = await engine.backup();
    const { etcd: program } = engine.deps.drill;
    const serve: typeof program.serve = (plan, options) =>
      program.serve({ ...plan, dataDir: join(plan.dataDir, 'member', 'snap', 'db') }, options);
    const deps = { ...engine.deps, drill: { ...engine.deps.drill, etcd: { ...program, serve } } };

    const report = await drill({ deps });

    expect(report).toMatchObject({ outcome: 'failed', failure: { code: 'etcd-start' } });
    const { failure } = report as Extract<DrillReport, { outcome: 'failed' }>;
    expect(failure.message).toMatch(/not a directory/);
    expect((await manifestOf(engine, id)).proofs.restored).toBeUndefined();
    expectNothingLeft(place);
  });

  test('is a command, whose verdict is shown by "show"', async () => {
    using place = drillPlace(etcd);
    await using engine = worker(place);
    const { id } = await engine.backup();

    const ran = await runProgram(['drill', '--json', ...place.words()]);
    const shown = await runProgram(['show', 'latest', ...place.words()]);

    expect(ran.stderr).toMatch(/drill passed/);
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ outcome: 'passed', backup: id, failure: null });
    expect(shown.stdout).toMatch(/proof restored +passed/);
    expectNothingLeft(place);
  });
});

describe.concurrent('a daemon with drills', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await seed(etcd);
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  /** One backup at the start, and drills all the time. */
  const settings = {
    'schedule.cron': '0 0 1 1 *',
    'schedule.catchUp': 'false',
    'schedule.onStart': 'true',
    'drill.cron': '* * * * * *',
    'log.level': 'debug',
  };

  test('leaves no etcd and no folder at the first signal', async () => {
    using place = drillPlace(etcd);
    await using daemon = await startDaemonProcess(place, { settings });
    await untilEtcdBelow(place.spoolDir);

    expect(await daemon.stop()).toBe(0);

    expect(daemon.of('drill-failed')).toEqual([]);
    expectNothingLeft(place);
  });

  test('ends at its start what a killed one has left', async () => {
    using place = drillPlace(etcd);
    await using killed = await startDaemonProcess(place, { settings });
    const orphan = await untilEtcdBelow(place.spoolDir);
    await killed.stop('SIGKILL');
    expect(etcdsBelow(place.spoolDir)).toEqual([orphan]);

    const quiet = { ...settings, 'schedule.onStart': 'false', 'drill.cron': '0 0 1 1 *' };
    await using again = await startDaemonProcess(place, { settings: quiet });
    await again.until('spool-swept');

    expectNothingLeft(place);
  });

  test('counts its drills, and knows the last one again after a restart', async () => {
    using place = drillPlace(etcd);
    await using first = await startDaemonProcess(place, { settings });
    await first.until('drill-finished');
    const series = 'etcd_backup_last_drill_success_timestamp_seconds';
    expect(Date.now() / 1000 - (await first.metric(series))).toBeLessThan(30);
    expect(await first.metric('etcd_backup_drills_total{result="success"}')).toBeGreaterThan(0);
    await first.stop();
    await using engine = worker(place);
    const [{ manifest } = expect.unreachable()] = await candidates(
      { ...latest, before: null },
      engine.deps,
      signal,
    );
    const { at } = manifest.proofs.restored ?? expect.unreachable();

    const quiet = { ...settings, 'schedule.onStart': 'false', 'drill.cron': '0 0 1 1 *' };
    await using again = await startDaemonProcess(place, { settings: quiet });
    await again.until('catalog-read');

    expect(await again.metric(series)).toBe(Math.floor(at.getTime() / 1000));
    expect(await again.metric('etcd_backup_drills_total{result="success"}')).toBe(0);
  });
});
