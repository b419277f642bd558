import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { builtProgram } from '../support/built.ts';
import { startDaemonProcess } from '../support/daemon.ts';
import { etcdsBelow } from '../support/drills.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { workplace } from '../support/house.ts';
import { connect } from '../support/workload.ts';

const drills = Number(process.env['DRILLS'] ?? 12);

/** Some fifty writes a second, some of them deletes, with a compaction every few seconds. */
async function write(etcd: TestCluster, signal: AbortSignal): Promise<number> {
  const client = connect(etcd);
  let count = 0;
  try {
    for (; !signal.aborted; count += 1) {
      await client.put(`/drill/${count % 2000}`).value('x'.repeat(500 + (count % 700)));
      if (count % 7 === 0) await client.delete().key(`/drill/${(count * 13) % 2000}`);
      if (count % 200 === 199) {
        const { header } = await client.kv.range({ key: Buffer.from('/drill/0') });
        await client.kv.compact({ revision: header.revision });
      }
      await sleep(15);
    }
    return count;
  } finally {
    client.close();
  }
}

test(`passes ${drills} drills in a row while backups are taken of a cluster under writes`, async () => {
  const program = builtProgram();
  await using etcd = await cluster('3.5', { members: 3 });
  using place = workplace(etcd);
  const settings = {
    'schedule.cron': '*/15 * * * * *',
    'schedule.onStart': 'true',
    'drill.cron': '*/5 * * * * *',
    'drill.etcdBinary': etcd.binaries.etcd,
  };
  const stop = new AbortController();
  const writing = write(etcd, stop.signal);
  await using daemon = await startDaemonProcess(place, { program, settings });

  await daemon.until('drill-finished', drills, 280_000);
  const passed = await daemon.metric('etcd_backup_drills_total{result="success"}');
  const failed = await daemon.metric('etcd_backup_drills_total{result="failure"}');
  const last = await daemon.metric('etcd_backup_last_drill_success_timestamp_seconds');
  stop.abort();
  const writes = await writing;
  expect(await daemon.stop()).toBe(0);

  expect(writes).toBeGreaterThan(500);
  expect([passed >= drills, failed]).toEqual([true, 0]);
  expect(Date.now() / 1000 - last).toBeLessThan(60);
  for (const event of ['drill-failed', 'run-failed', 'slot-missed', 'hash-mismatched']) {
    expect(daemon.of(event)).toEqual([]);
  }
  // Each skip is a drill that gave way to a backup, which then began at its due time.
  const skipped = daemon.of('drill-skipped');
  expect(skipped.filter(({ reason }) => reason !== 'backup-due')).toEqual([]);
  const backups = new Set(daemon.of('drill-finished').map(({ backup }) => backup));
  expect(backups.size).toBeGreaterThan(2);
  expect(readdirSync(place.spoolDir)).toEqual([]);
  expect(etcdsBelow(place.spoolDir)).toEqual([]);
});
