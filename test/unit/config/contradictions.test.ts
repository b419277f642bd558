import { describe, expect, test } from 'vitest';
import { leastYaml, load, problemsOf } from './loading.ts';

const tlsPair = ['--cluster.tls.cert=/c', '--cluster.tls.key=/k'];
const onAll = '--http.listen=0.0.0.0:9379';
const recipient = 'age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef';

const bucket = (...all: string[]) =>
  `--stores=[${all.map((s3, at) => `{name: s${at}, type: s3, s3: ${s3}}`).join(', ')}]`;

describe('settings that cannot stand together', () => {
  test.each([
    ['a certificate without its key', [tlsPair[0]], 'cluster.tls.cert', 'needs cluster.tls.key'],
    ['a key without its certificate', [tlsPair[1]], 'cluster.tls.key', 'needs cluster.tls.cert'],
    [
      'a user without a password file',
      ['--cluster.auth.username=a'],
      'cluster.auth.username',
      'needs cluster.auth.passwordFile',
    ],
    [
      'a password file without a user',
      ['--cluster.auth.passwordFile=/p'],
      'cluster.auth.passwordFile',
      'needs cluster.auth.username',
    ],
    [
      'endpoints of http and https',
      ['--cluster.endpoints=http://a:1,https://b:1'],
      'cluster.endpoints',
      'mixes http and https',
    ],
    [
      'an endpoint named twice, in two spellings',
      ['--cluster.endpoints=https://a:1,https://A:1/'],
      'cluster.endpoints',
      'names https://a:1 twice',
    ],
    [
      'TLS files for http endpoints',
      ['--cluster.endpoints=http://a:1', ...tlsPair],
      'cluster.endpoints',
      'is http, where nothing of cluster.tls is used',
    ],
    [
      'skipping that never may skip',
      ['--schedule.skipUnchanged', '--schedule.maxSkip=0'],
      'schedule.maxSkip',
      'never lets schedule.skipUnchanged skip',
    ],
    [
      'a longest delay below the first',
      ['--schedule.retryDelay=1h'],
      'schedule.retryDelayMax',
      'is below schedule.retryDelay',
    ],
    [
      'a level that gzip does not have',
      ['--seal.compression=gzip', '--seal.level=10'],
      'seal.level',
      'is above 9, the hardest of gzip',
    ],
    [
      'a recipient named twice, in two spellings',
      [`--seal.recipients=${recipient},${recipient.toUpperCase()}`],
      'seal.recipients',
      `names ${recipient} twice`,
    ],
    [
      'drills of encrypted backups without an identity',
      [`--seal.recipients=${recipient}`, '--drill.cron=30 3 * * *'],
      'drill.cron',
      'need seal.identityFile',
    ],
    ['an open address without a token', [onAll], 'http.listen', 'needs a token'],
    [
      'one token file for two scopes',
      ['--http.tokens.read=/t', '--http.tokens.operate=/t'],
      'http.tokens.operate',
      'is the file of another scope too',
    ],
    [
      'two stores of one name',
      ['--stores=[{name: a, type: file, path: /a}, {name: a, type: file, path: /b}]'],
      'stores[1].name',
      'is the name of an earlier store',
    ],
    [
      'two stores in one folder',
      ['--stores=[{name: a, type: file, path: /a}, {name: b, type: file, path: /a/}]'],
      'stores[1].path',
      'is, holds or is inside the path of store a',
    ],
    [
      'a store around another',
      ['--stores=[{name: a, type: file, path: /a/b}, {name: b, type: file, path: /a}]'],
      'stores[1].path',
      'is, holds or is inside the path of store a',
    ],
    [
      'a file store without a folder',
      ['--stores=[{name: a, type: file}]'],
      'stores[0].path',
      'is required',
    ],
    [
      'an NFS store without a folder',
      ['--stores=[{name: a, type: nfs}]'],
      'stores[0].path',
      'is required',
    ],
    [
      'an NFS store in the folder of another',
      ['--stores=[{name: a, type: file, path: /a}, {name: b, type: nfs, path: /a}]'],
      'stores[1].path',
      'is, holds or is inside the path of store a',
    ],
    [
      'a mount point beside the folder',
      ['--stores=[{name: a, type: nfs, path: /mnt/ab, mountPoint: /mnt/a}]'],
      'stores[0].mountPoint',
      'is not at or above path',
    ],
    [
      'a mount point that is always one',
      ['--stores=[{name: a, type: file, path: /a, mountPoint: /}]'],
      'stores[0].mountPoint',
      'is the root of the host',
    ],
    [
      'a mount point for a bucket',
      ['--stores=[{name: a, type: s3, mountPoint: /a, s3: {bucket: abc}}]'],
      'stores[0].mountPoint',
      'is for stores of types file and nfs',
    ],
    ['a bucket store without a bucket', [bucket('{}')], 'stores[0].s3.bucket', 'is required'],
    [
      'a bucket store with a folder',
      ['--stores=[{name: a, type: s3, path: /a, s3: {bucket: abc}}]'],
      'stores[0].path',
      'is for stores of types file and nfs',
    ],
    [
      'two stores in one place of a bucket',
      [bucket('{bucket: abc, prefix: a}', '{bucket: abc, prefix: a/b}')],
      'stores[1].s3.prefix',
      'is, holds or is inside that of store s0',
    ],
    [
      'a bucket over http that nobody asked for',
      [bucket('{bucket: abc, endpoint: "http://a:1"}')],
      'stores[0].s3.endpoint',
      'sends backups in clear',
    ],
    [
      'half a key',
      [bucket('{bucket: abc, credentials: {accessKeyIdFile: /a}}')],
      'stores[0].s3.credentials.accessKeyIdFile',
      'needs secretAccessKeyFile',
    ],
    [
      'a session token without a key',
      [bucket('{bucket: abc, credentials: {sessionTokenFile: /a}}')],
      'stores[0].s3.credentials.accessKeyIdFile',
      'belongs to a key',
    ],
    [
      'a key of the service that is not used',
      [bucket('{bucket: abc, sse: AES256, kmsKeyId: a}')],
      'stores[0].s3.kmsKeyId',
      'needs sse: aws:kms',
    ],
    [
      'encryption by a key that is not named',
      [bucket('{bucket: abc, sse: customer}')],
      'stores[0].s3.customerKeyFile',
      'is required',
    ],
    [
      'a key of the customer that is not used',
      [bucket('{bucket: abc, customerKeyFile: /a}')],
      'stores[0].s3.customerKeyFile',
      'needs sse: customer',
    ],
    [
      'a lock without a time',
      [bucket('{bucket: abc, objectLock: {mode: governance}}')],
      'stores[0].s3.objectLock.mode',
      'needs days',
    ],
    [
      'a lock without checksums',
      [bucket('{bucket: abc, checksums: none, objectLock: {mode: compliance, days: 1}}')],
      'stores[0].s3.checksums',
      'locked objects need checksums',
    ],
    ['a store in the spool', ['--spool.dir=/var/backups/etcd'], 'stores[0].path', 'is spool.dir'],
  ])('are told: %s', (_, flags, key, reason) => {
    const told = problemsOf({ flags: flags as string[] });

    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(new RegExp(`^${key.replaceAll(/[[\].]/g, '\\$&')}`));
    expect(told[0]).toContain(reason);
  });

  test('are told with the place of the key that has to change', () => {
    const yaml = `${leastYaml}schedule: { skipUnchanged: true, maxSkip: 0 }`;

    expect(problemsOf({ yaml })).toEqual([
      'schedule.maxSkip = "0"\n  is 0, which never lets schedule.skipUnchanged skip\n' +
        '  from: conf.yaml:7:43\n  example: 24h',
    ]);
  });

  test('are not told on top of a wrong value', () => {
    const flags = ['--schedule.retryDelay=1x', '--schedule.retryDelayMax=1s'];

    expect(problemsOf({ flags })).toHaveLength(1);
  });

  test.each([
    ['https endpoints without a CA', ['--cluster.endpoints=https://a:1']],
    ['an open address with a token', [onAll, '--http.tokens.read=/t']],
    ['an open address that is switched off', [onAll, '--http.enabled=false']],
    ['a loopback address without a token', ['--http.listen=[::1]:9379']],
    [
      'prefixes that begin alike, and one prefix in two buckets',
      [bucket('{bucket: abc, prefix: a}', '{bucket: abc, prefix: ab}', '{bucket: abd, prefix: a}')],
    ],
    [
      'a bucket over http that was asked for',
      [bucket('{bucket: abc, endpoint: "http://a:1", insecureHttp: true}')],
    ],
    [
      'a mount point that is the folder itself, or above it',
      [
        '--stores=[{name: a, type: nfs, path: /m/a, mountPoint: /m/a/},' +
          '{name: b, type: file, path: /m/b/c, mountPoint: /m}]',
      ],
    ],
    [
      'stores whose paths begin alike',
      ['--stores=[{name: a, type: file, path: /a}, {name: b, type: file, path: /ab}]'],
    ],
  ])('do not include %s', (_, flags) => {
    expect(load({ flags }).config.stores.length).toBeGreaterThan(0);
  });
});
