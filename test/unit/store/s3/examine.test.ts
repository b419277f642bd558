import { afterEach, expect, test } from 'vitest';
import { s3Store } from '../../../../src/store/s3/store.ts';
import { named, signal } from '../../../contract/store-bodies.ts';
import { s3Options } from '../../../support/s3.ts';
import { refuseWith, type Script, scriptedServer } from '../../../support/s3-server.ts';

const keys = { accessKeyId: 'id', secretAccessKey: 'secret' };

let opened = new AsyncDisposableStack();
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});

const scripts: readonly [string, Script, readonly string[]][] = [
  [
    'takes all and understands nothing',
    ({ headers }, answer) => {
      const digest = headers['x-amz-checksum-sha256'];
      answer.writeHead(200, digest === undefined ? {} : { 'x-amz-checksum-sha256': digest }).end();
    },
    [
      'checksums: returned without being computed: set checksums: none',
      'new names only: ignored, so only the random end of each name keeps daemons apart',
      'object lock: no',
    ],
  ],
  [
    'says what it does not know',
    (_, answer) => refuseWith(answer, 501, 'NotImplemented'),
    [
      'checksums: refused (NotImplemented): set checksums: none',
      'new names only: no, names are looked at first',
      'object lock: no',
    ],
  ],
  [
    'lets nobody ask',
    (_, answer) => refuseWith(answer, 403, 'AccessDenied'),
    [
      'checksums: not known (AccessDenied)',
      'new names only: not known (AccessDenied)',
      'object lock: not known (AccessDenied)',
    ],
  ],
];

test.each(scripts)('a server is found out that %s', async (_, script, lines) => {
  const server = opened.use(await scriptedServer(script));
  const store = opened.use(s3Store(s3Options(server.url, keys, { prefix: 'test' })));

  expect((await store.examine?.(named('probe'), { signal }))?.lines).toEqual(lines);
});
