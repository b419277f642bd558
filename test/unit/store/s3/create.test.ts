import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { s3Store } from '../../../../src/store/s3/store.ts';
import { bodyOf, named, signal } from '../../../contract/store-bodies.ts';
import { s3Options } from '../../../support/s3.ts';
import { refuseWith, type Script, scriptedServer } from '../../../support/s3-server.ts';

const keys = { accessKeyId: 'id', secretAccessKey: 'secret' };
const name = named('a/b');
const options = { signal, onlyNew: true };

let opened = new AsyncDisposableStack();
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});

async function storeOn(script: Script) {
  const server = opened.use(await scriptedServer(script));
  return { server, store: opened.use(s3Store(s3Options(server.url, keys, { prefix: 'test' }))) };
}

/** The bucket is there and the object is not. */
function refuseMissing({ line }: { line: string }, answer: ServerResponse): void {
  answer.writeHead(line.includes('/a/b') ? 404 : 200).end();
}

const methods = (lines: readonly { line: string }[]) => lines.map(({ line }) => line.split(' ')[0]);

test.each([
  ['ours, where it has our bytes', 'content', undefined],
  ["somebody else's, where it has others", 'theirs', 'object-exists'],
])('an object that is found after an answer was lost is %s', async (_, kept, code) => {
  let puts = 0;
  const { server, store } = await storeOn((request, answer) => {
    if (request.line.startsWith('HEAD')) return refuseMissing(request, answer);
    puts += 1;
    if (puts === 1) return void answer.destroy();
    if (request.line.startsWith('PUT')) return refuseWith(answer, 412, 'PreconditionFailed');
    const range = { 'content-range': `bytes 0-${kept.length - 1}/${kept.length}`, etag: '"e"' };
    answer.writeHead(206, range).end(kept);
  });

  const ended = await store
    .put(name, bodyOf(Buffer.from('content')), options)
    .catch((thrown: { code: string }) => thrown.code);

  expect(ended).toEqual(code ?? { compared: 'nothing' });
  const toObject = server.seen.filter(({ line }) => line.includes('/a/b'));
  expect(methods(toObject)).toEqual(['HEAD', 'PUT', 'PUT', 'GET']);
});

test('a server that knows no conditions is looked at first, and asked once only', async () => {
  const { server, store } = await storeOn(({ line, headers }, answer) => {
    if (headers['if-none-match'] !== undefined) return refuseWith(answer, 501, 'NotImplemented');
    if (line.startsWith('HEAD')) return refuseMissing({ line }, answer);
    answer.end();
  });

  await store.put(name, bodyOf(Buffer.from('one')), options);
  await store.put(name, bodyOf(Buffer.from('two')), options);

  const toBucket = server.seen.filter(({ line }) => line.includes('/a/b'));
  expect(methods(toBucket)).toEqual(['HEAD', 'PUT', 'PUT', 'HEAD', 'PUT']);
});

test('a name that is taken is refused, where the server passes over conditions', async () => {
  const facts = { 'content-length': '1', 'last-modified': 'Fri, 20 Nov 2026 00:00:00 GMT' };
  const { server, store } = await storeOn((_, answer) => void answer.writeHead(200, facts).end());

  await expect(store.put(name, bodyOf(Buffer.from('x')), options)).rejects.toMatchObject({
    code: 'object-exists',
  });

  expect(methods(server.seen)).toEqual(['HEAD']);
});
