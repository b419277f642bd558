/** A restore of ours beside one of the official tool, both from the bytes of one backup. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeFields } from '../../src/format/protobuf.ts';
import type { EtcdBinaries } from '../setup/binaries.ts';
import { cluster, etcdutl, etcdVersions, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, worker, workplace } from '../support/house.ts';
import { seed } from '../support/workload.ts';

/** The words are the same for both. Several URLs, an IPv6 address, and names in no order. */
const member = ['--name', 'b'];
const list =
  'b=http://127.0.0.1:2391,a=http://127.0.0.1:2380,b=http://127.0.0.1:2381,c=http://[::1]:2382';
const members = ['--initial-cluster', list, '--initial-cluster-token', 'token'];
const jump = ['--bump-revision', '1000000000', '--mark-compacted'];

/** The newest of each minor but 3.4, which writes an older log and leaves old members behind. */
const versions = etcdVersions().filter(({ minor }, at, all) => {
  return minor !== '3.4' && all.findIndex((one) => one.minor === minor) === at;
});
const logName = 'member/wal/0000000000000000-0000000000000000.wal';

/** The path of the one backup in the store: a snapshot as it was streamed. */
function snapshotIn({ storeDir }: Workplace): string {
  const all = readdirSync(storeDir, { recursive: true, encoding: 'utf8' });
  const [found, ...others] = all.filter((name) => name.endsWith('.db'));
  if (found === undefined || others.length > 0) throw new Error(`not one backup: ${all}`);
  return join(storeDir, found);
}

async function statusOf(binaries: EtcdBinaries, database: string): Promise<unknown> {
  const { totalSize: _, ...status } = JSON.parse(
    await etcdutl(binaries, ['snapshot', 'status', database, '-w', 'json']),
  );
  return status;
}

function filesIn(dataDir: string): string[] {
  const all = readdirSync(dataDir, { recursive: true, encoding: 'utf8' });
  return all.filter((name) => statSync(join(dataDir, name)).isFile()).sort();
}

/** The records of a log as text, without zeros: whether those are written means nothing. */
function meaningOf(log: Buffer): string[] {
  const records: string[] = [];
  for (let at = 0; log.readBigUInt64LE(at) !== 0n; ) {
    const length = log.readUIntLE(at, 6);
    const [type, , data] = decodeFields(log.subarray(at + 8, at + 8 + length)) ?? [];
    records.push(`${type?.value} ${fieldsText(data?.bytes ?? Buffer.alloc(0), type?.value)}`);
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return records;
}

/** By the type of the record: which field of it is a message of its own. */
const inner: Readonly<Record<string, number>> = { 2: 4, 5: 3 };

function fieldsText(message: Uint8Array, type?: bigint): string {
  const fields = (decodeFields(message) ?? []).map(({ number, value, bytes }) => {
    if (inner[`${type}`] === number) return `${number}: (${fieldsText(bytes)})`;
    return `${number}: ${value}${Buffer.from(bytes).toString('latin1')}`;
  });
  return fields.filter((text) => !text.endsWith(': 0')).join(', ');
}

describe.each(versions)('beside the tool of etcd $version, a restore', (binaries) => {
  let etcd: TestCluster;
  let place: Workplace;
  beforeAll(async () => {
    etcd = await cluster(binaries.version);
    await seed(etcd, { users: true });
    place = workplace(etcd);
    await using engine = worker(place);
    await engine.backup();
  });
  afterAll(async () => {
    place[Symbol.dispose]();
    await etcd[Symbol.asyncDispose]();
  });

  test.each([
    ['as it is', []],
    ['with a jump of the revision', jump],
  ])('%s has the same files, log and content', async (_, how) => {
    const ours = join(place.dir, `ours-${how.length}`);
    const theirs = join(place.dir, `theirs-${how.length}`);
    const words = [...member, ...members, ...how];
    const urls = ['--initial-advertise-peer-urls', 'http://127.0.0.1:2381,http://127.0.0.1:2391'];

    const dataDir = ['--data-dir', ours];
    const done = await runProgram(['restore', 'latest', ...dataDir, ...words, ...place.words()]);
    const official = ['snapshot', 'restore', snapshotIn(place), '--data-dir', theirs];
    await etcdutl(binaries, [...official, ...words, ...urls]);

    expect(done).toMatchObject({ code: 0 });
    expect(filesIn(ours)).toEqual(filesIn(theirs));
    const [ourLog, theirLog] = [
      readFileSync(join(ours, logName)),
      readFileSync(join(theirs, logName)),
    ];
    expect(theirLog.length).toBe(64_000_000);
    expect(ourLog.length).toBe(64_000_000);
    expect(meaningOf(ourLog)).toEqual(meaningOf(theirLog));
    expect(meaningOf(ourLog)).toHaveLength(8);
    // From 3.7 on the tool leaves zeros out.
    expect(ourLog.equals(theirLog)).toBe(['3.5', '3.6'].includes(binaries.minor));
    const status = await statusOf(binaries, join(theirs, 'member/snap/db'));
    expect(status).toMatchObject({ hash: expect.any(Number), revision: expect.any(Number) });
    expect(await statusOf(binaries, join(ours, 'member/snap/db'))).toEqual(status);
  });
});
