import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clusterId, memberId } from '../../../src/core/backup.ts';
import { readWalIdentity } from '../../../src/datadir/wal-identity.ts';
import { walFileName, walRecords } from '../../../src/format/wal-file.ts';
import { clusterOf, ground, oldData } from './ground.ts';

function walOf(token: string): { walDir: string; path: string } {
  const dir = ground();
  oldData(dir, token);
  const walDir = join(dir, 'member', 'wal');
  return { walDir, path: join(walDir, walFileName) };
}

function identityOf(token: string) {
  const { id, members } = clusterOf(token);
  return { cluster: clusterId(id), member: memberId(members[0]?.id ?? 0n) };
}

/** The identity is in the second record; what comes after it says nothing of it. */
function endOfIdentity(wal: Buffer): number {
  const lengthAt = (at: number) => Number(wal.readBigUInt64LE(at) & 0xffffn);
  const second = 8 + lengthAt(0) + (wal[7]! & 7);
  return second + 8 + lengthAt(second);
}

describe('the identity in a log', () => {
  test('is that of the member and its cluster', async () => {
    const { walDir } = walOf('one');

    expect(await readWalIdentity(walDir)).toEqual(identityOf('one'));
  });

  test('is read from the newest file', async () => {
    const { walDir } = walOf('one');
    const cluster = clusterOf('two');
    const newer = walRecords(cluster, cluster.members[0]?.id ?? 0n);
    writeFileSync(join(walDir, '0000000000000001-0000000000000022.wal'), newer);
    writeFileSync(join(walDir, '1.tmp'), 'what etcd reserves');

    expect(await readWalIdentity(walDir)).toEqual(identityOf('two'));
  });

  test('is not told by a wrong bit anywhere before its end', async () => {
    const { walDir, path } = walOf('one');
    const good = readFileSync(path);
    const end = endOfIdentity(good);
    const told: unknown[] = [];

    for (let bit = 0; bit < end * 8; bit += 1) {
      const bad = Buffer.from(good);
      bad[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(path, bad);
      told.push((await readWalIdentity(walDir)) ?? 'unknown');
    }

    const wrong = told.filter((one) => one !== 'unknown');
    // The ids themselves come last. A bit that says nothing, of a padding, may be wrong unseen.
    const idBytes = 18;
    expect(told.slice(-idBytes * 8).every((one) => one === 'unknown')).toBe(true);
    for (const one of wrong) expect(one).toEqual(identityOf('one'));
  });

  test('is unknown where the log is cut off, empty, zero or missing', async () => {
    const { walDir, path } = walOf('one');

    for (const bytes of [endOfIdentity(readFileSync(path)) - 1, 20, 9, 7, 0]) {
      truncateSync(path, bytes);
      expect(await readWalIdentity(walDir)).toBeUndefined();
    }
    writeFileSync(path, Buffer.alloc(64_000));
    expect(await readWalIdentity(walDir)).toBeUndefined();
    expect(await readWalIdentity(join(walDir, 'missing'))).toBeUndefined();
    const none = join(walDir, 'none');
    mkdirSync(none);
    expect(await readWalIdentity(none)).toBeUndefined();
  });
});
