import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { builtProgram } from '../support/built.ts';
import { type RunningDaemon, startDaemonProcess } from '../support/daemon.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { runProgram, workplace } from '../support/house.ts';
import { connect } from '../support/workload.ts';

const minutes = Number(process.env['SOAK_MINUTES'] ?? 10);
const slotSeconds = 2;

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

/**
 * Every backup by itself: each run took one, and each one has all proofs. Only agreement may be
 * inconclusive now and then, where a compaction overtook the question. Returns how many agreed.
 */
function expectEachProved(daemon: RunningDaemon, slots: number): number {
  const runs = daemon.of('run-finished').map(({ id }) => id);
  const committed = daemon.of('backup-committed').map(({ proved, backup }) => {
    const { id, proofs } = backup as { id: string; proofs: Record<string, string> };
    return { id, proved, proofs: Object.keys(proofs) };
  });
  expect(runs.length).toBeGreaterThanOrEqual(slots);
  expect(committed.map(({ id }) => id)).toEqual(runs);
  const weak = committed.filter(
    ({ proved, proofs }) =>
      proved !== true || !['received', 'sound', 'stored'].every((name) => proofs.includes(name)),
  );
  expect(weak).toEqual([]);
  const outcomes = daemon.of('proof-finished').map(({ proof, outcome }) => `${proof} ${outcome}`);
  const count = (told: string): number => outcomes.filter((each) => each === told).length;
  const agreed = committed.filter(({ proofs }) => proofs.includes('agreed')).length;
  expect([count('received passed'), count('sound passed')]).toEqual([runs.length, runs.length]);
  expect(count('agreed passed')).toBe(agreed);
  expect(agreed + count('agreed inconclusive')).toBe(runs.length);
  expect(agreed).toBeGreaterThan(runs.length * 0.8);
  return agreed;
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
  const agreed = expectEachProved(daemon, slots);
  console.log(`${slots} slots: ${agreed} agreed, the rest inconclusive`);
  console.log(`resident memory: ${warmBytes} after ${warm} slots, ${endBytes} at the end`);
  const verified = await runProgram(['verify', '--all', '--deep', ...place.words()], { program });
  expect(verified).toMatchObject({ code: 0 });
  const files = readdirSync(place.storeDir, { recursive: true }).map(String);
  expect(files.filter((name) => name.endsWith('.db'))).toHaveLength(5);
  expect(files.filter((name) => name.endsWith('.json'))).toHaveLength(5);
  expect(readdirSync(place.spoolDir)).toEqual([]);
  expect(endBytes).toBeLessThan(warmBytes * 1.3);
}, 3_600_000);
