import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { load, problemsOf } from './loading.ts';

let folder: string;
let certificates: Certificates;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-files-'));
  certificates = makeCertificates(join(folder, 'tls'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A configuration whose folders exist, with flags on top. */
function given(...flags: readonly string[]) {
  const stores = `[{ name: a, type: file, path: ${folder}/store }]`;
  const all = [`--stores=${stores}`, `--spool.dir=${folder}/spool/deep`, ...flags];
  return { flags: all, checkFiles: true, today: new Date() };
}

function save(name: string, content: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe('files that a configuration names', () => {
  test('pass when they are what their keys say', () => {
    const { ca, client } = certificates;
    const tokens = ['read', 'operate'].map((scope) => {
      return `--http.tokens.${scope}=${save(scope, `a-token-of-length-${scope}`)}`;
    });

    const { warnings } = load(
      given(
        `--cluster.tls.ca=${ca}`,
        `--cluster.tls.cert=${client.cert}`,
        `--cluster.tls.key=${client.key}`,
        ...tokens,
      ),
    );

    expect(warnings).toEqual([]);
  });

  test('are not looked at unless that is asked for', () => {
    expect(problemsOf({ flags: ['--cluster.tls.ca=/does/not/exist'] })).toEqual([]);
  });

  test('are looked at without those of stores where a disk that hangs must hold nobody', () => {
    const missing = `stores=[{name: local, type: file, path: ${folder}/none/below}]`;
    const flags = [`--${missing}`, `--spool.dir=${folder}`];

    const [whole, part] = ([true, 'but-stores'] as const).map((checkFiles) => {
      return load({ flags, checkFiles });
    });
    const wrong = [...flags, '--cluster.tls.ca=/does/not/exist'];

    expect(whole?.warnings).toMatchObject([expect.stringContaining('stores[0].path')]);
    expect(part?.warnings).toEqual([]);
    expect(problemsOf({ flags: wrong, checkFiles: 'but-stores' })).toMatchObject([
      expect.stringContaining('cluster.tls.ca'),
    ]);
  });

  test.each([
    ['a CA that is not there', () => [`--cluster.tls.ca=${folder}/none`], 'does not exist'],
    ['a CA that is a folder', () => [`--cluster.tls.ca=${folder}`], 'is a folder'],
    [
      'a CA that is no PEM',
      () => [`--cluster.tls.ca=${save('der', 'binary')}`],
      'holds no certificate in PEM form',
    ],
    [
      'a CA that is damaged',
      () => [
        `--cluster.tls.ca=${save(
          'bad.crt',
          '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
        )}`,
      ],
      'holds a damaged certificate (number 1)',
    ],
    [
      'certificate and key swapped',
      () => [
        `--cluster.tls.cert=${certificates.client.key}`,
        `--cluster.tls.key=${certificates.client.cert}`,
      ],
      'holds no certificate in PEM form',
    ],
    [
      'the key of another certificate',
      () => [
        `--cluster.tls.cert=${certificates.client.cert}`,
        `--cluster.tls.key=${certificates.server.key}`,
      ],
      'is not the key of the certificate in cluster.tls.cert',
    ],
    [
      'a key with a passphrase',
      () => [
        `--cluster.tls.cert=${certificates.client.cert}`,
        `--cluster.tls.key=${save('locked.key', '-----BEGIN ENCRYPTED PRIVATE KEY-----')}`,
      ],
      'is locked by a passphrase',
    ],
    [
      'an empty password file',
      () => ['--cluster.auth.username=a', `--cluster.auth.passwordFile=${save('empty', '')}`],
      'is empty',
    ],
    [
      'a token with a space in it',
      () => [`--http.tokens.read=${save('spaced', 'a token of many words')}`],
      'holds a space; a token has none',
    ],
    [
      'a spool that is a file',
      () => [`--spool.dir=${save('spool-file', '')}`],
      'spool-file is not a folder',
    ],
    [
      'a spool below a file',
      () => [`--spool.dir=${save('spool-file', '')}/spool`],
      'leads through something that is no folder',
    ],
  ])('are told when they are not: %s', (_, flags, reason) => {
    const [stores, ...others] = given().flags;
    const own = flags();
    const kept = [stores ?? '', ...others].filter(
      (flag) => !own.some((one) => one.split('=')[0] === flag.split('=')[0]),
    );

    expect(problemsOf({ flags: [...kept, ...own], checkFiles: true }).join('\n')).toContain(reason);
  });

  test('are only warned of where a store is away: the others still get their backups', () => {
    const away = `--stores=[{ name: a, type: file, path: ${folder}/mnt/disk/etcd }]`;
    const flags = [away, `--spool.dir=${folder}/spool/deep`];

    expect(load({ flags, checkFiles: true }).warnings.join()).toContain(
      'mnt/disk does not exist: make it, or mount it',
    );
  });

  test.skipIf(process.getuid?.() === 0)('are told when the folder cannot be written', () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0o500 });
    const [stores = ''] = given().flags;

    expect(
      problemsOf({ flags: [stores, `--spool.dir=${closed}/spool`], checkFiles: true }).join(),
    ).toContain('is not open to the user that this program runs as');
  });

  test('are warned of when everybody can read a secret, and not refused', () => {
    const token = save('open', 'a-token-that-is-long-enough', 0o644);

    expect(load(given(`--http.tokens.read=${token}`)).warnings).toEqual([
      `http.tokens.read: every user of this host can read ${token}; "chmod 0600" would end that`,
    ]);
  });

  test('are warned of when everybody can read the key of a bucket', () => {
    const [id, secret] = [save('id', 'AKIA'), save('secret', 'wJalr', 0o644)];
    const credentials = `{ accessKeyIdFile: ${id}, secretAccessKeyFile: ${secret} }`;
    const flags = [
      `--stores=[{ name: a, type: s3, s3: { bucket: abc, credentials: ${credentials} } }]`,
      `--spool.dir=${folder}/spool/deep`,
    ];

    expect(load({ flags, checkFiles: true }).warnings).toEqual([
      expect.stringMatching(
        /^stores\[0\]\.s3\.credentials\.secretAccessKeyFile: every user of this host can read /,
      ),
    ]);
  });

  test('are warned of when a token can be guessed', () => {
    const token = save('short', 'hunter2');

    expect(load(given(`--http.tokens.read=${token}`)).warnings).toEqual([
      `http.tokens.read: ${token} holds fewer than 16 characters and can be guessed`,
    ]);
  });

  test('are warned of when little is left of a certificate', () => {
    const { cert, key } = certificates.client;
    const words = given(`--cluster.tls.cert=${cert}`, `--cluster.tls.key=${key}`);
    const today = new Date(Date.now() + 350 * 24 * 60 * 60_000);

    expect(load(words).warnings).toEqual([]);
    const [warning] = load({ ...words, today }).warnings;
    expect(warning).toMatch(
      /client\.crt holds a certificate that expires in 1[45]d.*: a new one is due$/,
    );
  });

  test('are warned of when a certificate has expired', () => {
    const { cert, key } = certificates.expiredClient;

    expect(load(given(`--cluster.tls.cert=${cert}`, `--cluster.tls.key=${key}`)).warnings).toEqual([
      `${cert} holds a certificate that has expired`,
    ]);
  });
});
