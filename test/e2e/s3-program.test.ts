/** The whole program with a bucket: its commands, its keys on disk, and the example of the README. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Ceph, type CephKeys, cephServers, startCeph } from '../support/ceph.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { cluster, etcdctl } from '../support/etcd.ts';
import { runProgram, type Worker, type Workplace, worker, workplace } from '../support/house.ts';
import { makeBucket } from '../support/s3.ts';

const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
const shown = [...readme.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text]) => text ?? '');
const anySignal = new AbortController().signal;

function saveKeys(folder: string, keys: CephKeys): void {
  writeFileSync(join(folder, 'access-key-id'), `${keys.accessKeyId}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'secret-access-key'), `${keys.secretAccessKey}\n`, { mode: 0o600 });
}

describe.each(await cephServers())('a bucket of Ceph of $suite', ({ suite, packages, skip }) => {
  let ceph: Ceph;
  let certificates: Certificates;
  const place: Workplace = workplace({ clientUrls: [], tls: undefined, clientPair: undefined });
  const folder = join(place.dir, 'etc');

  beforeAll(async () => {
    if (packages === undefined) return;
    certificates = makeCertificates(folder);
    ceph = await startCeph(packages, certificates.server);
  });
  afterAll(async () => {
    await ceph?.[Symbol.asyncDispose]();
    place[Symbol.dispose]();
  });

  /** The store of the README, with the paths and the address of this test. */
  async function configure(user: string, at: Workplace): Promise<CephKeys> {
    const keys = await ceph.user(user);
    await makeBucket(ceph.url, keys, `bucket-${user}`);
    mkdirSync(folder, { recursive: true });
    saveKeys(folder, keys);
    const { stores } = parse(shown.find((text) => text.includes('type: s3')) ?? '');
    const moved = JSON.stringify(stores)
      .replaceAll('/etc/etcd-backupd/s3', folder)
      .replace('https://s3.example.org', ceph.tlsUrl ?? '')
      .replace('etcd-backups', `bucket-${user}`);
    at.settings['stores'] = moved;
    return keys;
  }

  test.skipIf(skip)(
    'takes the example of the README: check, back up, verify, restore',
    async () => {
      await using etcd = await cluster('3.5', { members: 1 });
      await etcdctl(etcd, ['put', 'the-key', 'the value']);
      using here = workplace(etcd);
      await configure('reader', here);

      for (const words of ['check', 'backup', 'list', 'verify latest --deep', 'prune']) {
        const ran = await runProgram([...words.split(' '), ...here.words()]);
        expect({ words, ...ran }).toMatchObject({ code: 0 });
      }
      const dataDir = join(here.dir, 'data');
      const restored = await runProgram([
        'restore',
        'latest',
        `--data-dir=${dataDir}`,
        '--name=m1',
        '--initial-cluster=m1=http://127.0.0.1:42380',
        '--initial-cluster-token=again',
        ...here.words(),
      ]);

      expect(restored).toMatchObject({ code: 0 });
    },
  );

  test.skipIf(skip)('is used with keys that were replaced on disk, by one daemon', async () => {
    await using etcd = await cluster('3.5', { members: 1 });
    using here = workplace(etcd);
    const old = await configure('turner', here);
    await using engine = worker(here);
    expect((await engine.backup()).result).toBe('success');
    // The older server computes no digests, and is read back.
    expect(await comparedHow(engine)).toBe(suite === 'sid' ? 'checksum' : 'read back');

    await ceph.run('admin key create --uid=turner --access-key=NEXT --secret-key=nextnext');
    await ceph.run(`admin key rm --uid=turner --access-key=${old.accessKeyId}`);
    await expect(engine.backup()).rejects.toMatchObject({ code: 'store-denied' });
    saveKeys(folder, { accessKeyId: 'NEXT', secretAccessKey: 'nextnext' });

    expect((await engine.backup()).result).toBe('success');
  });

  test.skipIf(skip)('is told in one line when the key is wrong', async () => {
    await using etcd = await cluster('3.5', { members: 1 });
    using here = workplace(etcd);
    const keys = await configure('stranger', here);
    saveKeys(folder, { ...keys, secretAccessKey: 'not-to-be-printed' });

    const { code, stdout, stderr } = await runProgram(['check', ...here.words()]);

    expect(code).toBe(42);
    const lines = `${stdout}${stderr}`.split('\n');
    expect(lines.filter((line) => line.includes('SignatureDoesNotMatch')).length).toBe(1);
    expect(`${stdout}${stderr}`).not.toContain('not-to-be-printed');
  });
});

/** How it was proved that the store holds what was sent to it. */
async function comparedHow(engine: Worker): Promise<unknown> {
  const { cluster: source, openCatalog, shelves } = engine.deps;
  const { clusterId } = await source.survey({ signal: anySignal });
  const store = shelves[0]?.store;
  if (store === undefined) throw new Error('no store');
  const newest = await openCatalog(store, clusterId).latestProved({ signal: anySignal });
  return newest?.proofs.stored?.evidence['compared'];
}
