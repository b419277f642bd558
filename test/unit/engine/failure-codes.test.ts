/**
 * Every code that the rooms of the cluster, the spool, the stores, the catalog and the engine raise
 * while they take and keep backups, each in a situation where it is raised. A new code belongs into
 * one of the two lists.
 */
import { writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEtcdCluster } from '../../../src/cluster/servers.ts';
import { Failure, type FailureCode, failureCodes, failureTable } from '../../../src/core/errors.ts';
import { composeBackupId, manifestName } from '../../../src/core/names.ts';
import { holdBackup } from '../../../src/engine/hold.ts';
import { fileStore } from '../../../src/store/file.ts';
import { attempt } from '../../../src/store/file-failures.ts';
import { putBytes } from '../../contract/store-bodies.ts';
import type { StreamFault } from '../../support/fake-member.ts';
import { refusing } from '../cluster/grpc-server.ts';
import { askMember } from './one-member.ts';
import { openWorkshop, signal, type Workshop, type WorkshopOptions } from './workshop.ts';

/** Raised by what restores, drills, puts back and replaces members, and by what is around it. */
const elsewhere: readonly FailureCode[] = [
  'usage',
  'config-invalid',
  'restore-refused',
  'restore-full',
  'restore-failed',
  'put-back-conflict',
  'backup-locked',
  'backup-untrusted',
  'quorum-at-risk',
  'drill-failed',
  'damage-repaired',
  'http-listen',
  'stopped',
  'daemon-unhealthy',
  'notify-failed',
];

/** A run in a cluster of one, whose only member is at fault. */
const runWith =
  (stream: StreamFault, options: WorkshopOptions = {}) =>
  async (): Promise<unknown> => {
    await using work = openWorkshop({ members: 1, stores: ['memory'], ...options });
    work.cluster.member('m1').stream = stream;
    return await work.backup();
  };

/** What happens in a workshop that has one backup. */
const stocked =
  (act: (work: Workshop) => Promise<unknown>, options: WorkshopOptions = {}) =>
  async (): Promise<unknown> => {
    await using work = openWorkshop(options);
    await work.place();
    return await act(work);
  };

const refusal = new Failure('snapshot-refused', 'the member is a learner');

const situations: Partial<Record<FailureCode, () => Promise<unknown>>> = {
  'cluster-unreachable': async () => {
    await using work = openWorkshop();
    for (const member of work.cluster.members) member.down = true;
    return await work.backup();
  },
  'cluster-auth': () => askMember({ HashKV: refusing(3, 'etcdserver: user name is empty') }),
  'cluster-permission': () => askMember({ HashKV: refusing(7, 'etcdserver: permission denied') }),
  'cluster-tls': () => askMember({}, { scheme: 'https' }),
  'no-source': async () => {
    await using work = openWorkshop({
      source: { choose: { allowLeader: 'never', maxLag: 1000, localMember: null } },
      members: 1,
    });
    return await work.backup();
  },
  'snapshot-refused': runWith({ kind: 'refused', failure: refusal }),
  'revision-unavailable': () =>
    askMember({ HashKV: refusing(11, 'etcdserver: mvcc: required revision has been compacted') }),
  'stream-stalled': runWith({ kind: 'stalls', afterBytes: 0 }, { source: { stallTimeoutMs: 50 } }),
  'stream-broken': runWith({ kind: 'breaks', afterBytes: 40_000 }),
  'snapshot-corrupt': runWith({ kind: 'wrong-trailer' }),
  'snapshot-stale': runWith({ kind: 'stale', entries: 1 }),
  'hash-mismatch': async () => {
    await using work = openWorkshop();
    work.cluster.member('m3').diverged = true;
    return await work.backup();
  },
  'spool-full': async () => {
    await using work = openWorkshop({ spoolMaxBytes: 4096 });
    return await work.backup();
  },
  'spool-failed': async () => {
    await using work = openWorkshop();
    writeFileSync(work.spoolDir, 'a file where a folder belongs');
    return await work.backup();
  },
  'store-failed': async () => {
    await using work = openWorkshop({ stores: ['disk'] });
    writeFileSync(join(work.dir, 'store'), 'a file where a folder belongs');
    return await work.backup();
  },
  'store-full': () =>
    attempt({ name: 'disk', kind: 'file', root: '/dev' }, 'write', '/dev/full', () => {
      return writeFile('/dev/full', 'x', { flush: true });
    }),
  // Nobody makes folders there, root included.
  'store-denied': () => putBytes(fileStore({ name: 'disk', root: '/sys/backups' }), 'a', 'x'),
  'object-missing': () =>
    stocked(async (work) => {
      const store = work.store('memory');
      return await store.stat(manifestName(work.cluster.id, unknownId(work)), { signal });
    })(),
  'object-damaged': stocked(async (work) => {
    const [manifest] = await work.listed('memory');
    await putBytes(work.store('memory'), manifest!.sealed.object, 'shorter');
    return await work.catalog('memory').find(manifest!.id, { signal });
  }),
  'object-exists': stocked(async (work) => {
    const [manifest] = await work.listed('memory');
    const other = { ...manifest!, host: 'another daemon' };
    return await work.catalog('memory').commit(other, { signal });
  }),
  'backup-missing': stocked((work) => {
    return holdBackup(work.catalog('disk'), unknownId(work), 'why', work.deps, { signal });
  }),
  'manifest-invalid': stocked(async (work) => {
    const [manifest] = await work.listed('memory');
    const name = manifestName(work.cluster.id, manifest!.id);
    await putBytes(work.store('memory'), name, '{"format": 1');
    return await work.catalog('memory').find(manifest!.id, { signal });
  }),
  'retention-unsafe': stocked(async (work) => {
    const [manifest] = await work.listed('disk');
    await holdBackup(work.catalog('disk'), manifest!.id, 'mine', work.deps, { signal });
    return await work.catalog('disk').forget(manifest!.id, { signal });
  }),
  'etcd-start': async () => {
    await using work = openWorkshop();
    const dataDir = join(work.dir, 'etcd');
    await mkdir(dataDir);
    return await startEtcdCluster({ binary: join(dataDir, 'no-etcd'), dataDir, members: 1 });
  },
  'timed-out': () => askMember({ HashKV: () => undefined }, { requestTimeoutMs: 50 }),
  internal: stocked(async (work) => {
    const [manifest] = await work.listed('memory');
    const proofs = { ...manifest!.proofs, sound: undefined };
    return await work.catalog('memory').commit({ ...manifest!, proofs } as never, { signal });
  }),
};

function unknownId(work: Workshop) {
  return composeBackupId(new Date('2020-01-01T00:00:00Z'), work.cluster.newest, 'none');
}

describe.concurrent('the failure', () => {
  test.for(Object.keys(situations) as FailureCode[])('%s is raised', async (code) => {
    const thrown = await situations[code]?.().then(
      () => 'nothing was thrown',
      (error: unknown) => error,
    );

    expect(thrown).toMatchObject({ code, exitCode: failureTable[code].exit });
    // Lower case, no full stop: what `Failure` promises of its message.
    expect((thrown as Failure).message).toMatch(/^[^A-Z].*[^.]$/s);
  });

  test('of every code is raised here or elsewhere', () => {
    const listed = [...Object.keys(situations), ...elsewhere];

    expect(listed.sort()).toEqual([...failureCodes].sort());
  });
});
