/** The packaged program with a bucket: no Node.js, no packages, the key where the AWS tools look. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPackage } from '../../packaging/package.ts';
import { type Ceph, type CephKeys, cephHere, startCeph } from '../support/ceph.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startDaemonProcess } from '../support/daemon.ts';
import { cluster, etcdctl, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, workplace } from '../support/house.ts';
import { makeBucket } from '../support/s3.ts';

const { packages, skip } = await cephHere('sid');

describe.skipIf(skip)(`the packaged program with a bucket (${skip ?? 'Ceph'})`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'package-'));
  const keyFile = join(dir, 'credentials');
  const env = { AWS_SHARED_CREDENTIALS_FILE: keyFile };
  let program: string;
  let ceph: Ceph;
  let etcd: TestCluster;
  let keys: CephKeys;
  let place: Workplace;

  const tell = ({ accessKeyId, secretAccessKey }: CephKeys) => {
    const lines = ['[default]', `aws_access_key_id = ${accessKeyId}`];
    writeFileSync(keyFile, [...lines, `aws_secret_access_key = ${secretAccessKey}`, ''].join('\n'));
  };

  beforeAll(async () => {
    const { folder } = await buildPackage(dir);
    program = join(folder, 'etcd-backupd');
    const { server, ca } = makeCertificates(dir);
    ceph = await startCeph(packages!, server);
    keys = await ceph.user('packaged');
    await makeBucket(ceph.url, keys);
    tell(keys);
    etcd = await cluster('3.5', { members: 1 });
    await etcdctl(etcd, ['put', 'the-key', 'the value']);
    place = workplace(etcd);
    const s3 = { bucket: 'backups', endpoint: ceph.tlsUrl, ca };
    place.settings['stores'] = JSON.stringify([{ name: 'cloud', type: 's3', s3 }]);
  });
  afterAll(async () => {
    place?.[Symbol.dispose]();
    await etcd?.[Symbol.asyncDispose]();
    await ceph?.[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  test('checks it, backs up, verifies and restores', async () => {
    const to = `--data-dir=${join(place.dir, 'data')} --name=m1`;
    const as = '--initial-cluster=m1=http://127.0.0.1:42380 --initial-cluster-token=again';
    const restore = `restore latest ${to} ${as}`;
    for (const words of ['check', 'backup', 'list', 'verify latest --deep', restore]) {
      const ran = await runProgram([...words.split(' '), ...place.words()], { program, env });
      expect({ words, ...ran }).toMatchObject({ code: 0 });
    }
  });

  test('goes on as a daemon when its key is replaced', async () => {
    const settings = { 'schedule.cron': '*/2 * * * * *' };
    await using daemon = await startDaemonProcess(place, { program, env, settings });
    await daemon.until('backup-committed');

    const next = { accessKeyId: 'NEXT', secretAccessKey: 'nextnext' };
    await ceph.run('admin key create --uid=packaged --access-key=NEXT --secret-key=nextnext');
    tell(next);
    // A run that has begun may still hold the old key.
    await daemon.until('run-finished', daemon.of('run-finished').length + 2);
    await ceph.run(`admin key rm --uid=packaged --access-key=${keys.accessKeyId}`);
    const committed = daemon.of('backup-committed').length;
    await daemon.until('backup-committed', committed + 2);

    expect(daemon.of('run-failed')).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  });
});
