import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backupSteps } from '../../src/core/events.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { prepare } from '../../src/engine/prepare.ts';
import { verifyBackup } from '../../src/engine/verify.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Worker, worker, workplace } from '../support/house.ts';
import { fill } from '../support/workload.ts';

const preload = join(import.meta.dirname, '..', 'support', 'kill-at.ts');
const { signal } = new AbortController();

/** Every named step of a backup, and the moments around its commit. */
const moments = [
  'event step drain:',
  ...backupSteps.map((step) => `event step ${step} took`),
  'name .db',
  'named .db',
  'name .json',
  'named .json',
];

/** From here on the manifest is in place: the backup counts although its run was killed. */
const afterCommit = ['event step store took', 'event step prune took', 'named .json'];

/** Every backup that is listed, each read back byte by byte. */
async function wholeBackups({ deps }: Worker): Promise<readonly Manifest[]> {
  const { clusterId } = await deps.cluster.survey({ signal });
  const catalog = deps.openCatalog(deps.shelves[0]!.store, clusterId);
  const { backups, faults } = await catalog.backups({ signal });
  expect(faults).toEqual([]);
  for (const { id } of backups) {
    const { outcome } = await verifyBackup(catalog, id, deps, { deep: false, signal });
    expect(outcome).toBe('passed');
  }
  return backups;
}

describe('a backup killed by SIGKILL', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await fill(etcd, { bytes: 16 * 1024 * 1024 });
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test.for(moments)('at "%s" leaves only whole backups, and the next run cleans up', async (at) => {
    using place = workplace(etcd);
    place.settings['retention.orphanGrace'] = '1s';
    place.settings['log.level'] = 'trace';
    const options = { nodeArgs: ['--import', preload], env: { KILL_AT: at } };

    const killed = await runProgram(['backup', ...place.words()], options);

    expect(killed).toMatchObject({ signal: 'SIGKILL' });
    await using engine = worker(place);
    const expected = afterCommit.includes(at) ? 1 : 0;
    expect(await wholeBackups(engine)).toHaveLength(expected);

    await prepare(engine.deps, signal);
    // The grace of orphans; sweeping the spool touched the file that both names share.
    await sleep(1100);
    await engine.backup();

    expect(await wholeBackups(engine)).toHaveLength(expected + 1);
    expect(readdirSync(place.spoolDir)).toEqual([]);
    const files = readdirSync(place.storeDir, { recursive: true }).map(String);
    expect(files.filter((name) => name.endsWith('.db'))).toHaveLength(expected + 1);
    expect(files.filter((name) => name.includes('~'))).toEqual([]);
  });
});
