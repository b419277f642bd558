/** Putting keys back into a keyspace in memory, from a real snapshot file that is really proved. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LiveKeys } from '../../../src/cluster/keys-port.ts';
import { clusterId } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { type OpenedSnapshot, openSnapshotFile } from '../../../src/engine/extract.ts';
import { type PutBackOrder, putBack } from '../../../src/engine/put-back.ts';
import { withTrailer, writeBbolt } from '../../support/bbolt.ts';
import { FakeKeys } from '../../support/fake-keys.ts';
import { inlineProver } from '../../support/inline-prover.ts';
import { sampleManifest } from '../core/sample-manifest.ts';
import { type Change, historyOf, pairsOf } from '../format/history.ts';

const { signal } = new AbortController();
const owner = clusterId('cdf818194e3a8c32');

/** A backup of the cluster with this history; null for a file of which nothing is known. */
function backupOf(changes: readonly Change[], manifest: Manifest | null = sampleManifest()) {
  const dir = mkdtempSync(join(tmpdir(), 'etcd-backupd-put-back-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'snapshot.db');
  const pairs = pairsOf(historyOf(changes.map((change) => [change])));
  const bytes = withTrailer(writeBbolt({ key: pairs, meta: [], lease: [] }).bytes);
  writeFileSync(path, bytes);
  return async (approve: (manifest: Manifest | null) => Promise<void>): Promise<OpenedSnapshot> => {
    await approve(manifest);
    const file = { path, sizeBytes: bytes.length };
    const opened = await openSnapshotFile(file, { prove: inlineProver });
    return { ...opened, manifest, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
  };
}

interface Asked extends Partial<Omit<PutBackOrder, 'prefix'>> {
  readonly prefix?: string;
  readonly keys: LiveKeys;
  readonly events?: Event[];
  readonly ending?: AbortSignal;
}

function back(open: ReturnType<typeof backupOf>, asked: Asked) {
  const { prefix = '/a/', keys, events = [], ending = signal, ...rest } = asked;
  const order = { deleteExtra: false, apply: true, force: false, lines: 100, ...rest };
  const deps = { keys, observe: (event: Event) => void events.push(event) };
  return putBack(open, { ...order, prefix: Buffer.from(prefix) }, deps, { signal: ending });
}

function put(key: string, value: string, lease = 0n): Change {
  return { put: key, value, lease };
}

const four = [put('/a/1', 'one'), put('/a/2', 'two'), put('/a/3', 'three'), put('/b', 'b')];

/** One key is as it was, one has another value, one is gone, one is new. */
function changedKeys(): FakeKeys {
  const keys = new FakeKeys({ cluster: owner });
  keys.put('/a/1', 'one');
  keys.put('/a/2', 'TWO');
  keys.put('/a/4', 'since then');
  keys.put('/b', 'not below the prefix');
  return keys;
}

describe('put back', () => {
  test('without being told to apply only compares', async () => {
    const [keys, events] = [changedKeys(), [] as Event[]];
    const before = keys.all();

    const report = await back(backupOf(four), { keys, events, apply: false });

    expect(report).toMatchObject({
      backup: sampleManifest().id,
      cluster: owner,
      revision: 5n,
      applied: false,
      counts: { create: 1, overwrite: 1, delete: 0, keep: 1, same: 1 },
    });
    expect(report.named.map(({ deed, key }) => [deed, String(key)])).toEqual([
      ['overwrite', '/a/2'],
      ['create', '/a/3'],
      ['keep', '/a/4'],
    ]);
    expect([keys.all(), keys.sizes, events]).toEqual([before, [], []]);
  });

  test('writes what differs and nothing else, and tells it once', async () => {
    const [keys, events] = [changedKeys(), [] as Event[]];

    await back(backupOf(four), { keys, events });

    expect(keys.all()).toEqual({
      '/a/1': 'one',
      '/a/2': 'two',
      '/a/3': 'three',
      '/a/4': 'since then',
      '/b': 'not below the prefix',
    });
    expect(keys.sizes).toEqual([2]);
    expect(events).toEqual([
      {
        kind: 'keys-put-back',
        backup: sampleManifest().id,
        cluster: owner,
        prefix: '/a/',
        deleteExtra: false,
        written: 2,
        planned: 2,
        leasesLost: 0,
        failed: null,
      },
    ]);
  });

  test('deletes what only the cluster has where that is wanted', async () => {
    const keys = changedKeys();

    const { counts } = await back(backupOf(four), { keys, deleteExtra: true });

    expect(counts).toEqual({ create: 1, overwrite: 1, delete: 1, keep: 0, same: 1 });
    expect(Object.keys(keys.all())).toEqual(['/a/1', '/a/2', '/a/3', '/b']);
  });

  test('names no more differences than asked, and counts them all', async () => {
    const changes = Array.from({ length: 30 }, (_, at) => put(`/a/${100 + at}`, 'x'));

    const report = await back(backupOf(changes), { keys: new FakeKeys(), lines: 4, apply: false });

    expect(report.named).toHaveLength(4);
    expect(report.counts.create).toBe(30);
  });

  test('brings keys back without a lease, and counts those that lose one', async () => {
    const keys = new FakeKeys();
    keys.put('/a/live', 'other', 7n);
    keys.put('/a/same', 'same', 7n);
    const changes = [put('/a/gone', 'x', 5n), put('/a/live', 'x'), put('/a/same', 'same', 5n)];

    const { leasesLost } = await back(backupOf([...changes, put('/a/z', 'z')]), { keys });

    expect(leasesLost).toBe(2);
    const leases = ['/a/gone', '/a/live', '/a/same', '/a/z'].map((key) => keys.leaseOf(key));
    expect(leases).toEqual([0n, 0n, 7n, 0n]);
  });

  test('tells an empty value from a key that is not there', async () => {
    const keys = new FakeKeys();
    keys.put('/a/1', 'x');

    const { counts } = await back(backupOf([put('/a/1', ''), put('/a/2', '')]), { keys });

    expect(counts).toMatchObject({ create: 1, overwrite: 1 });
    expect(keys.all()).toEqual({ '/a/1': '', '/a/2': '' });
  });
});

describe('the transactions of a put back', () => {
  test('have at most 100 changes, and less than a mebibyte', async () => {
    const small = Array.from({ length: 250 }, (_, at) => put(`/a/${1000 + at}`, 'x'));
    const large = Array.from({ length: 5 }, (_, at) => put(`/a/${at}`, 'y'.repeat(400_000)));
    const [first, second] = [new FakeKeys(), new FakeKeys()];

    await back(backupOf(small), { keys: first });
    await back(backupOf([...large, put('/a/9', 'z'.repeat(1_200_000))]), { keys: second });

    expect(first.sizes).toEqual([100, 100, 50]);
    expect(second.sizes).toEqual([2, 2, 1, 1]);
    expect(Object.keys(second.all())).toHaveLength(6);
  });

  test('become smaller where the cluster takes less', async () => {
    const keys = new FakeKeys({ mostChanges: 20 });
    const changes = Array.from({ length: 60 }, (_, at) => put(`/a/${1000 + at}`, 'x'));

    await back(backupOf(changes), { keys });

    expect(keys.sizes).toEqual([60, 30, 15, 15, 15, 15]);
    expect(Object.keys(keys.all())).toHaveLength(60);
  });

  test('end with the key that is too large for the cluster', async () => {
    const ended = back(backupOf([put('/a/1', 'x')]), { keys: new FakeKeys({ mostChanges: 0 }) });

    await expect(ended).rejects.toMatchObject({
      code: 'restore-refused',
      message: expect.stringContaining('no value as large as that of /a/1; 0 of 1 keys'),
    });
  });

  test.each([
    ['created', (keys: FakeKeys) => keys.put('/a/150', 'mine'), 'has mod revision 4 and was not'],
    ['changed', (keys: FakeKeys) => keys.put('/a/1', 'mine'), 'has mod revision 4 and had 2'],
    ['removed', (keys: FakeKeys) => keys.remove('/a/1'), 'is gone and had 2'],
  ])('do nothing once a key was %s meanwhile', async (_, meddle, words) => {
    const [keys, events] = [new FakeKeys(), [] as Event[]];
    keys.put('/a/1', 'live');
    keys.onApply = () => {
      if (keys.sizes.length === 1) meddle(keys);
    };
    keys.put('/c', 'x');
    const changes = [put('/a/1', 'one'), put('/a/150', 'x')];

    const ended = back(backupOf(changes), { keys, events });

    await expect(ended).rejects.toMatchObject({
      code: 'put-back-conflict',
      message: expect.stringMatching(new RegExp(`${words}.*; 0 of 2 keys were written before$`)),
    });
    expect(Object.values(keys.all())).not.toContain('one');
    expect(events).toMatchObject([{ written: 0, planned: 2, failed: 'put-back-conflict' }]);
  });

  test('say what is not known when the connection breaks in one', async () => {
    const keys = new FakeKeys();
    const events: Event[] = [];
    keys.onApply = () => {
      if (keys.sizes.length === 2) throw new Failure('cluster-unreachable', 'm1: it is gone');
    };
    const changes = Array.from({ length: 150 }, (_, at) => put(`/a/${1000 + at}`, 'secret value'));

    const failure = await back(backupOf(changes), { keys, events }).catch((error) => error);

    expect(failure).toMatchObject({
      code: 'cluster-unreachable',
      message:
        'm1: it is gone; whether the 50 keys from /a/1100 on were written is not known; ' +
        '100 of 150 keys were written before',
    });
    expect(events).toMatchObject([{ written: 100, planned: 150, failed: 'cluster-unreachable' }]);
    expect(JSON.stringify([events, failure.message, failure.hint])).not.toContain('secret value');
  });

  test('are ended, and no other begins, when it is stopped', async () => {
    const keys = new FakeKeys();
    const stop = new AbortController();
    keys.onApply = () => stop.abort(new Failure('stopped', 'stopped by a signal'));
    const changes = Array.from({ length: 150 }, (_, at) => put(`/a/${1000 + at}`, 'x'));

    const ended = back(backupOf(changes), { keys, ending: stop.signal });

    await expect(ended).rejects.toMatchObject({
      code: 'stopped',
      message: 'stopped by a signal; 100 of 150 keys were written before',
    });
    expect(Object.keys(keys.all())).toHaveLength(100);
  });
});

describe('put back refuses', () => {
  const { proofs } = sampleManifest();
  const unproved = sampleManifest({
    proofs: { ...proofs, agreed: { at: new Date(0), outcome: 'failed', evidence: {} } },
  });

  test.each([
    ['another cluster', sampleManifest(), clusterId('1'), `is of cluster ${owner}, and cluster 0`],
    ['a file', null, owner, 'does not tell which cluster it is of'],
    ['a backup that is not proved', unproved, owner, 'is not proved'],
  ])('%s, unless it is forced', async (_, manifest, cluster, words) => {
    const keys = new FakeKeys({ cluster });
    const open = backupOf(four, manifest);

    const refused = back(open, { keys });

    await expect(refused).rejects.toMatchObject({
      code: 'restore-refused',
      message: expect.stringContaining(words),
      hint: expect.stringContaining('--force'),
    });
    expect(keys.all()).toEqual({});
    await back(open, { keys, force: true });
    expect(Object.keys(keys.all())).toEqual(['/a/1', '/a/2', '/a/3']);
  });
});
