import { afterEach, expect, test } from 'vitest';
import { probeContent } from '../../../../src/store/s3/probe.ts';
import { s3Store } from '../../../../src/store/s3/store.ts';
import { named, signal } from '../../../contract/store-bodies.ts';
import { s3Options } from '../../../support/s3.ts';
import { answerXml, refuseWith, type Script, scriptedServer } from '../../../support/s3-server.ts';
import { crc, sumOfSums } from '../../../support/s3-sums.ts';

const keys = { accessKeyId: 'id', secretAccessKey: 'secret' };

let opened = new AsyncDisposableStack();
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});

const sums = ['x-amz-checksum-sha256', 'x-amz-checksum-crc32c'];

/** Takes uploads in parts; `take` answers what brings bytes, and `end` is told of the object. */
const uploads =
  (take: Script, end: (parts: string) => string, begun: Record<string, string> = {}): Script =>
  (request, answer, turn) => {
    if (request.line.includes('?uploads')) {
      for (const [name, value] of Object.entries(begun)) answer.setHeader(name, value);
      answerXml(answer, '<R><UploadId>up</UploadId></R>');
    } else if (request.line.startsWith('PUT')) take(request, answer, turn);
    else answerXml(answer, `<R>${end(String(request.body))}</R>`);
  };
const takesAll: Script = (_, answer) => void answer.end();
const givesBack: Script = ({ headers }, answer) => {
  for (const sum of sums) if (headers[sum] !== undefined) answer.setHeader(sum, headers[sum]);
  answer.end();
};
const partsSum = (parts: string) => /<ChecksumCRC32C>.*<.ChecksumCRC32C>/.exec(parts)?.[0] ?? '';
const rightSum = crc(probeContent);
const compares: Script = ({ line, headers }, answer) => {
  const isRight = line.includes('partNumber') && headers['x-amz-checksum-crc32c'] === rightSum;
  if (isRight) answer.end();
  else refuseWith(answer, 400, 'BadDigest');
};

const lessAsked = 'ignored, so backups are read back; checksums: none says the same and asks less';
const notComputed = 'returned without being computed: set checksums: none';
const anyName = 'new names only: ignored, so only the random end of each name keeps daemons apart';
const noLock = 'object lock: no';

const scripts: readonly [string, Script, readonly string[]][] = [
  [
    'gives back what it was told',
    uploads(givesBack, partsSum),
    [`checksums: ${notComputed}`, `checksums in parts: ${notComputed}`, anyName, noLock],
  ],
  [
    'takes all and understands nothing',
    uploads(takesAll, () => ''),
    [`checksums: ${lessAsked}`, `checksums in parts: ${lessAsked}`, anyName, noLock],
  ],
  [
    'compares parts and tells of the object',
    uploads(compares, partsSum),
    [
      'checksums: compared',
      'checksums in parts: compared, and one of the whole object',
      'new names only: not known (BadDigest)',
      noLock,
    ],
  ],
  [
    'compares parts and tells of their sums',
    uploads(compares, () => `<ChecksumCRC32C>${sumOfSums(crc, [probeContent])}</ChecksumCRC32C>`),
    [
      'checksums: compared',
      'checksums in parts: compared, part by part',
      'new names only: not known (BadDigest)',
      noLock,
    ],
  ],
  [
    'compares parts and does not tell of the object',
    uploads(compares, () => ''),
    [
      'checksums: compared',
      'checksums in parts: compared, but not of the object, so backups are read back',
      'new names only: not known (BadDigest)',
      noLock,
    ],
  ],
  [
    'takes signed content only',
    uploads(
      ({ headers }, answer) => {
        const isSigned = headers['x-amz-content-sha256'] !== 'UNSIGNED-PAYLOAD';
        refuseWith(answer, isSigned ? 400 : 403, isSigned ? 'BadDigest' : 'AccessDenied');
      },
      () => '',
      { 'x-amz-checksum-algorithm': 'CRC32C' },
    ),
    [
      'checksums: compared',
      'checksums in parts: denied (AccessDenied): set checksums: sha256 if a policy demands ' +
        'signed content',
      'new names only: not known (BadDigest)',
      noLock,
    ],
  ],
  [
    'begins no upload',
    takesAll,
    [
      `checksums: ${lessAsked}`,
      'checksums in parts: not known (the answer names no upload)',
      anyName,
      noLock,
    ],
  ],
  [
    'says what it does not know',
    (_, answer) => refuseWith(answer, 501, 'NotImplemented'),
    [
      'checksums: refused (NotImplemented): set checksums: none',
      'checksums in parts: refused (NotImplemented): set checksums: none',
      'new names only: no, names are looked at first',
      noLock,
    ],
  ],
  [
    'lets nobody ask',
    (_, answer) => refuseWith(answer, 403, 'AccessDenied'),
    [
      'checksums: not known (AccessDenied)',
      'checksums in parts: not known (AccessDenied)',
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
