import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { builtProgram } from '../support/built.ts';
import { startDaemonProcess } from '../support/daemon.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { workplace } from '../support/house.ts';
import { connect } from '../support/workload.ts';

const minutes = Number(process.env['SOAK_MINUTES'] ?? 10);
const slotSeconds = 10;

/** About a hundred writes a second, some of them deletes, with a compaction every ten seconds. */
async function write(etcd: TestCluster, signal: AbortSignal): Promise<void> {
  const client = connect(etcd);
  try {
    for (let count = 0; !signal.aborted; count += 1) {
      await client.put(`/soak/${count % 5000}`).value('x'.repeat(500 + (count % 700)));
      if (count % 7 === 0) await client.delete().key(`/soak/${(count * 13) % 5000}`);
      if (count % 1000 === 999) {
        const { header } = await client.kv.range({ key: Buffer.from('/soak/0') });
        await client.kv.compact({ revision: header.revision });
      }
      await sleep(8);
    }
  } finally {
    client.close();
  }
}

test(`takes a proved backup in every slot for ${minutes} minutes under writes`, async () => {
  const program = builtProgram();
  await using etcd = await cluster('3.5', { members: 3 });
  using place = workplace(etcd);
  const off = Object.fromEntries(
    ['hourly', 'daily', 'weekly', 'monthly'].map((rule) => [`retention.${rule}`, '0']),
  );
  const keep = { 'retention.keepLast': '5', 'retention.keepWithin': '0s', ...off };
  const settings = { 'schedule.cron': `*/${slotSeconds} * * * * *`, ...keep, 'log.level': 'debug' };
  const stop = new AbortController();
  const writing = write(etcd, stop.signal);
  await using daemon = await startDaemonProcess(place, { program, settings });
  const slots = (minutes * 60) / slotSeconds;

  const warm = Math.ceil(slots / 4);
  await daemon.until('prune-finished', warm, 3_600_000);
  const { nowBytes: warmBytes } = daemon.memory();
  await daemon.until('prune-finished', slots, 3_600_000);
  const { nowBytes: endBytes } = daemon.memory();
  stop.abort();
  await writing;
  expect(await daemon.stop()).toBe(0);

  const failed = ['run-failed', 'slot-missed', 'prune-failed', 'hash-mismatched', 'source-failed'];
  for (const event of failed) expect(daemon.of(event)).toEqual([]);
  const proofs = daemon.of('proof-finished');
  const agreed = proofs.filter(({ proof }) => proof === 'agreed');
  const passed = agreed.filter(({ outcome }) => outcome === 'passed');
  console.log(`${slots} slots: ${passed.length} of ${agreed.length} agreed, the rest inconclusive`);
  console.log(`resident memory: ${warmBytes} after ${warm} slots, ${endBytes} at the end`);
  expect(proofs.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  expect(passed.length).toBeGreaterThan(agreed.length * 0.8);
  const files = readdirSync(place.storeDir, { recursive: true }).map(String);
  expect(files.filter((name) => name.endsWith('.db'))).toHaveLength(5);
  expect(files.filter((name) => name.endsWith('.json'))).toHaveLength(5);
  expect(readdirSync(place.spoolDir)).toEqual([]);
  expect(endBytes).toBeLessThan(warmBytes * 1.3);
}, 3_600_000);
