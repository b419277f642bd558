import { afterEach, describe, expect, test } from 'vitest';
import type { S3StoreOptions } from '../../../../src/store/s3/options.ts';
import { s3Store } from '../../../../src/store/s3/store.ts';
import {
  bodyOf,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from '../../../contract/store-bodies.ts';
import { s3Options } from '../../../support/s3.ts';
import {
  answerXml,
  refuseWith,
  type Script,
  type ScriptedServer,
  scriptedServer,
} from '../../../support/s3-server.ts';
import { crc, sha256, sumOfSums } from '../../../support/s3-sums.ts';

const keys = { accessKeyId: 'id', secretAccessKey: 'secret' };
const mib = 1024 * 1024;
const name = named('a/b');

let opened = new AsyncDisposableStack();
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});

async function storeOn(script: Script, changes: Partial<S3StoreOptions> = {}) {
  const server: ScriptedServer = opened.use(await scriptedServer(script));
  const options = s3Options(server.url, keys, { prefix: 'test', ...changes });
  return { server, store: opened.use(s3Store(options)) };
}

describe('a single put', () => {
  test('is compared only where the server returns the digest of what was sent', async () => {
    const digests = [sha256(Buffer.from('content')), sha256(Buffer.from('other')), undefined];
    const { store } = await storeOn((_, answer, turn) => {
      const digest = digests[turn - 1];
      answer.writeHead(200, digest === undefined ? {} : { 'x-amz-checksum-sha256': digest });
      answer.end();
    });

    const compared = [];
    for (const _ of digests) {
      compared.push((await store.put(name, bodyOf(Buffer.from('content')), { signal })).compared);
    }

    expect(compared).toEqual(['checksum', 'nothing', 'nothing']);
  });

  test('carries its digest, twice: signed, and as a checksum', async () => {
    const { server, store } = await storeOn((_, answer) => void answer.end());

    await putBytes(store, name, 'content');

    const digest = sha256(Buffer.from('content'));
    expect(server.seen[0]?.line).toBe('PUT /backups/test/a/b?x-id=PutObject');
    expect(server.seen[0]?.headers).toMatchObject({
      'x-amz-checksum-sha256': digest,
      'x-amz-sdk-checksum-algorithm': 'SHA256',
      'x-amz-content-sha256': Buffer.from(digest, 'base64').toString('hex'),
      'content-length': '7',
    });
    expect(String(server.seen[0]?.body)).toBe('content');
  });

  test('carries no checksum where none is wanted, and is not compared', async () => {
    const script: Script = ({ headers }, answer) => {
      answer.writeHead(200, { 'x-amz-checksum-sha256': String(headers['x-amz-checksum-sha256']) });
      answer.end();
    };
    const { server, store } = await storeOn(script, { checksums: 'none' });

    const { compared } = await store.put(name, bodyOf(Buffer.from('x')), { signal });

    expect(compared).toBe('nothing');
    const names = Object.keys(server.seen[0]?.headers ?? {});
    expect(names.filter((header) => /checksum|trailer|md5/.test(header))).toEqual([]);
  });

  test('is tried again where the server stumbles, and not where it refuses', async () => {
    const stumbling = await storeOn((_, answer, turn) => {
      if (turn < 3) refuseWith(answer, turn === 1 ? 503 : 500, 'InternalError');
      else answer.end();
    });
    const refusing = await storeOn((_, answer) => refuseWith(answer, 403, 'AccessDenied'));

    await putBytes(stumbling.store, name, 'x');
    await expect(putBytes(refusing.store, name, 'x')).rejects.toMatchObject({
      code: 'store-denied',
      message: expect.stringContaining('(AccessDenied, 403, the words of the server)'),
    });

    expect(stumbling.server.seen).toHaveLength(3);
    expect(refusing.server.seen).toHaveLength(1);
  });

  test('says to which region the server sends it', async () => {
    const { store } = await storeOn((_, answer) =>
      refuseWith(answer, 301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-9' }),
    );

    await expect(putBytes(store, name, 'x')).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringMatching(/the bucket is in another region .*region eu-west-9\)$/),
      hint: expect.stringContaining('stores[].s3.region'),
    });
  });

  test('says that the disks are full', async () => {
    const { store } = await storeOn((_, answer) => refuseWith(answer, 507, 'XMinioStorageFull'));

    await expect(putBytes(store, name, 'x')).rejects.toMatchObject({ code: 'store-full' });
  });
});

describe('a put in parts', () => {
  const bytes = Buffer.alloc(11 * mib, 'eleven mebibytes');
  const parts = [
    bytes.subarray(0, 5 * mib),
    bytes.subarray(5 * mib, 10 * mib),
    bytes.subarray(10 * mib),
  ];

  /** Completes by `complete`; every other request goes well. */
  const inParts =
    (complete: Script, begun: Record<string, string> = {}): Script =>
    (request, answer, turn) => {
      const { line } = request;
      if (line.includes('?uploads')) {
        for (const [name, value] of Object.entries(begun)) answer.setHeader(name, value);
        answerXml(answer, '<R><UploadId>up</UploadId></R>');
      } else if (line.startsWith('PUT')) {
        answer.writeHead(200, { etag: '"e"' }).end();
      } else if (line.startsWith('DELETE')) {
        answer.writeHead(204).end();
      } else {
        complete(request, answer, turn);
      }
    };

  const whole = crc(bytes);
  const ofParts = sumOfSums(crc, parts);

  test.each([
    ['the sum of the object', 'auto', `<ChecksumCRC32C>${whole}</ChecksumCRC32C>`, 'checksum'],
    ['the sum of the sums', 'auto', `<ChecksumCRC32C>${ofParts}</ChecksumCRC32C>`, 'checksum'],
    [
      'the sum of the sums without their number',
      'auto',
      `<ChecksumCRC32C>${ofParts.replace('-3', '')}</ChecksumCRC32C>`,
      'checksum',
    ],
    [
      'the sum of another number of parts',
      'auto',
      `<ChecksumCRC32C>${ofParts.replace('-3', '-2')}</ChecksumCRC32C>`,
      'nothing',
    ],
    [
      'the sum of other bytes',
      'auto',
      `<ChecksumCRC32C>${crc(bytes.subarray(1))}</ChecksumCRC32C>`,
      'nothing',
    ],
    ['nothing', 'auto', '', 'nothing'],
    [
      'the digest of the digests',
      'sha256',
      `<ChecksumSHA256>${sumOfSums(sha256, parts)}</ChecksumSHA256>`,
      'checksum',
    ],
    [
      'the digest of the object',
      'sha256',
      `<ChecksumSHA256>${sha256(bytes)}</ChecksumSHA256>`,
      'nothing',
    ],
    ['the sum of the object', 'sha256', `<ChecksumCRC32C>${whole}</ChecksumCRC32C>`, 'nothing'],
    ['the sum of the object', 'none', `<ChecksumCRC32C>${whole}</ChecksumCRC32C>`, 'nothing'],
  ] as const)('answered with %s, under %s', async (_, checksums, xml, compared) => {
    const { store } = await storeOn(
      inParts((_request, answer) => answerXml(answer, `<R>${xml}</R>`)),
      { checksums },
    );

    expect((await store.put(name, bodyOf(bytes), { signal })).compared).toBe(compared);
  });

  test.each([
    [
      'auto',
      { 'x-amz-checksum-algorithm': 'CRC32C' },
      'CRC32C',
      'x-amz-checksum-crc32c',
      crc,
      null,
    ],
    ['auto', {}, 'CRC32C', 'x-amz-checksum-crc32c', crc, sha256],
    ['sha256', {}, 'SHA256', 'x-amz-checksum-sha256', sha256, sha256],
    ['none', {}, undefined, 'x-amz-checksum-crc32c', () => undefined, sha256],
  ] as const)(
    'carries, under %s where a begin is answered with %o, %s, and signs what nobody compares',
    async (checksums, begun, algorithm, header, sum, signed) => {
      const { server, store } = await storeOn(
        inParts((_request, answer) => answerXml(answer, '<R></R>'), begun),
        { checksums },
      );

      await store.put(name, bodyOf(bytes), { signal });

      const [begin, ...rest] = server.seen;
      expect(begin?.headers['x-amz-checksum-algorithm']).toBe(algorithm);
      expect(begin?.headers['x-amz-checksum-type']).toBe(
        algorithm === 'CRC32C' ? 'FULL_OBJECT' : undefined,
      );
      const sent = rest.filter(({ line }) => line.startsWith('PUT'));
      expect(sent).toHaveLength(3);
      for (const { body, headers } of sent) {
        expect(headers[header]).toBe(sum(body));
        expect(headers['x-amz-sdk-checksum-algorithm']).toBe(algorithm);
        expect(headers['x-amz-content-sha256']).toBe(
          signed === null
            ? 'UNSIGNED-PAYLOAD'
            : Buffer.from(signed(body), 'base64').toString('hex'),
        );
      }
    },
  );

  test('is there when only the answer to its completion was lost', async () => {
    let completions = 0;
    const { store } = await storeOn(
      inParts(({ line }, answer) => {
        if (line.startsWith('HEAD')) {
          answer.writeHead(200, {
            'content-length': bytes.byteLength,
            'x-amz-checksum-crc32c': whole,
          });
          answer.end();
          return;
        }
        completions += 1;
        if (completions === 1) answer.destroy();
        else refuseWith(answer, 404, 'NoSuchUpload');
      }),
    );

    expect(await store.put(name, bodyOf(bytes), { signal })).toEqual({ compared: 'checksum' });
  });

  test('fails when its upload is gone and another object is there', async () => {
    const { store } = await storeOn(
      inParts(({ line }, answer) => {
        if (!line.startsWith('HEAD')) return refuseWith(answer, 404, 'NoSuchUpload');
        answer.writeHead(200, { 'content-length': bytes.byteLength }).end();
      }),
    );

    await expect(store.put(name, bodyOf(bytes), { signal })).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('cannot complete the upload of test/a/b'),
    });
  });

  test('fails and is abandoned when the server completes it with an error', async () => {
    const { server, store } = await storeOn(
      inParts((_, answer) => answerXml(answer, '<Error><Code>InvalidPart</Code></Error>')),
    );

    await expect(store.put(name, bodyOf(bytes), { signal })).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('the server lost a part of the upload'),
    });

    expect(server.seen.at(-1)?.line).toMatch(/^DELETE .*uploadId=up/);
  });
});

describe('a get', () => {
  test.each([
    ['fewer bytes', { 'content-length': '10' }, 206, 'bytes 2-5/10'],
    ['another range', {}, 206, 'bytes 3-6/10'],
    ['the whole object', {}, 200, undefined],
  ])('fails when the server gives %s for a range', async (_, headers, status, range) => {
    const { store } = await storeOn((_request, answer) => {
      answer.writeHead(status, { ...headers, ...(range && { 'content-range': range }) });
      answer.write('abc');
      setImmediate(() => answer.destroy());
    });

    await expect(readBytes(store, name, { start: 2, end: 6 })).rejects.toMatchObject({
      code: 'store-failed',
    });
  });

  test('fails when an answer that ends well has fewer bytes than the range', async () => {
    const { store } = await storeOn((_, answer) => {
      answer.writeHead(206, { 'content-range': 'bytes 2-5/10' }).end('abc');
    });

    await expect(readBytes(store, name, { start: 2, end: 6 })).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('has 3 bytes and not 4'),
    });
  });

  test('fails when the server gives more bytes than the range has', async () => {
    const { store } = await storeOn((_, answer) => {
      answer.writeHead(206, { 'content-range': 'bytes 2-5/10' }).end('abcdefgh');
    });

    await expect(readBytes(store, name, { start: 2, end: 6 })).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('has 8 bytes and not 4'),
    });
  });
});

describe('a list', () => {
  const row = (key: string) =>
    `<Contents><Key>${key}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>`;
  const page = (keys: string[], next?: string) =>
    `<R>${keys.map(row).join('')}<IsTruncated>${next !== undefined}</IsTruncated>` +
    `${next === undefined || next === '' ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`}</R>`;

  test('goes through all pages, over foreign names, whatever their encoding', async () => {
    const { server, store } = await storeOn((_, answer, turn) =>
      answerXml(
        answer,
        [page(['test/a', 'test/a%20b', 'test/%'], 'x'), page([], 'y'), page(['test%2Fb'])][
          turn - 1
        ] ?? '',
      ),
    );

    expect(await namesIn(store)).toEqual(['a', 'b']);
    expect(server.seen.map(({ line }) => /continuation-token=(\w+)/.exec(line)?.[1])).toEqual([
      undefined,
      'x',
      'y',
    ]);
  });

  test.each([
    ['breaks off', page(['test/a'], ''), 'breaks off'],
    ['goes round in circles', page(['test/a'], 'x'), 'not in order'],
    ['is not in order', page(['test/b', 'test/a']), 'a comes after b'],
  ])('fails when it %s', async (_, xml, reason) => {
    const { store } = await storeOn((_request, answer) => answerXml(answer, xml));

    await expect(namesIn(store)).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining(reason),
    });
  });
});
