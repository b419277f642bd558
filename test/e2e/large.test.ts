import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtProgram } from '../support/built.ts';
import { officialCheck } from '../support/cluster-state.ts';
import { startDaemonProcess } from '../support/daemon.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { startProgram, workplace } from '../support/house.ts';
import { fill } from '../support/workload.ts';

const databaseBytes = Number(process.env['LARGE_BYTES'] ?? 2 * 1024 ** 3);
/** The promise of the program, for databases of any size. */
const ceilingBytes = 200 * 1000 * 1000;

async function peakOf(words: readonly string[], program: string): Promise<number> {
  const child = startProgram(words, { program });
  let peakBytes = 0;
  const look = (): void => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peakBytes = Math.max(peakBytes, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // It has just ended.
    }
  };
  const looking = setInterval(look, 20);
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  child.stdout?.resume();
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(looking);
  expect({ code, said }).toMatchObject({ code: 0 });
  return peakBytes;
}

describe(`a database of ${databaseBytes} bytes`, { timeout: 600_000 }, () => {
  let etcd: TestCluster;
  let program: string;
  beforeAll(async () => {
    program = builtProgram();
    etcd = await cluster('3.5');
    await fill(etcd, { bytes: databaseBytes, valueBytes: 1200 });
  }, 600_000);
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('is backed up, verified page by page and restored under 200 MB', async () => {
    using place = workplace(etcd);
    const dataDir = join(place.dir, 'data');

    const backup = await peakOf(['backup', ...place.words()], program);
    const verify = await peakOf(['verify', 'latest', '--deep', ...place.words()], program);
    const words = ['restore', 'latest', '--data-dir', dataDir];
    const restore = await peakOf([...words, ...place.words()], program);

    const peaks = { backup, verify, restore };
    console.log(`peak resident memory: ${JSON.stringify(peaks)}`);
    expect(Math.max(...Object.values(peaks))).toBeLessThan(ceilingBytes);
    await officialCheck(join(dataDir, 'member', 'snap', 'db'));
  });

  test('keeps the daemon under 200 MB through drain, proof and store', async () => {
    using place = workplace(etcd);
    const settings = { 'schedule.cron': '0 0 1 1 *', 'schedule.onStart': 'true' };
    await using daemon = await startDaemonProcess(place, { program, settings });

    await daemon.until('run-finished', 1, 300_000);

    const { peakBytes } = daemon.memory();
    console.log(`peak resident memory: daemon ${peakBytes}`);
    expect(daemon.of('run-failed')).toEqual([]);
    expect(peakBytes).toBeLessThan(ceilingBytes);
  });
});
