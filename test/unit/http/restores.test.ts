import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { TokenSources } from '../../../src/http/sources.ts';
import { latest } from '../../support/asked-restore.ts';
import { report } from '../daemon/restoring.ts';
import { bearer, id, operate, read } from './house.ts';
import { all, open } from './restore-house.ts';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('asking for a restore', () => {
  test('is accepted, with the place to look at', async () => {
    const { ask, begun, dataDir } = open();

    const answer = await ask();

    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe('/v1/restores/20261120T160000Z-x7k2');
    expect(answer.json()).toEqual({
      id: '20261120T160000Z-x7k2',
      state: 'running',
      stage: 'choose',
      progress: null,
      dataDir,
      dryRun: false,
      startedAt: '2026-11-20T16:00:00.000Z',
      endedAt: null,
      report: null,
      problem: null,
    });
    expect(begun).toMatchObject([{ wanted: latest }]);
    expect(begun[0]?.asked).toEqual({
      dataDir,
      name: null,
      initialCluster: null,
      initialClusterToken: null,
      bumpRevision: null,
      clearAlarms: false,
      owner: null,
      etcdVersion: null,
      force: false,
      fallback: false,
      dryRun: false,
    });
  });

  test('is refused for a place outside of the roots, before anything is read', async () => {
    const { call, begun, root, outside } = open();
    symlinkSync(outside, join(root, 'link'));
    mkdirSync(`${root}-other`);

    const places = [join(outside, 'etcd'), root, join(root, 'link', 'etcd'), `${root}-other/etcd`];
    const answers = await Promise.all(
      places.map((dataDir) => call('POST /v1/restores', { dataDir, force: true })),
    );

    expect(answers.map((answer) => [answer.statusCode, answer.json().code])).toEqual(
      places.map(() => [409, 'restore-refused']),
    );
    expect(begun).toEqual([]);
  });

  test('is refused everywhere without roots', async () => {
    const { ask, begun } = open({ withRoots: false });

    const answer = await ask({ force: true });

    expect(answer.json()).toMatchObject({
      status: 409,
      detail: 'the configuration allows restores over the API nowhere',
      hint: expect.stringContaining('restore.roots'),
    });
    expect(begun).toEqual([]);
  });

  test('is refused while another one runs', async () => {
    const { ask, begun, dataDir } = open();
    const first = (await ask()).json();

    const second = await ask({ dryRun: true });

    expect(second.json()).toMatchObject({
      status: 409,
      code: 'restore-refused',
      detail: `restore ${first.id} into ${dataDir} is still running`,
      hint: expect.stringContaining(`GET /v1/restores/${first.id}`),
    });
    expect(begun).toHaveLength(1);
  });

  test('is refused while the daemon drains', async () => {
    const { ask, restores } = open();
    await restores.close();

    expect((await ask()).json()).toMatchObject({ status: 503, code: 'stopped' });
  });
});

describe('the token', () => {
  const calls = ['POST /v1/restores', 'GET /v1/restores', 'GET /v1/restores/x'];
  const none = { authorization: '' };

  const outsiders: [string, TokenSources, Record<string, string>, number][] = [
    ['nobody', all, none, 401],
    ['a wrong token', all, bearer('wrong'), 401],
    ['whoever may read', all, bearer(read), 403],
    ['whoever may operate', all, bearer(operate), 403],
    ['nobody, without any token', {}, none, 403],
    [
      'whoever may operate, without a restore token',
      { operate: () => operate },
      bearer(operate),
      403,
    ],
    ['nobody, where the token is lost', { restore: () => undefined }, none, 401],
    ['an empty one, where the token is lost', { restore: () => undefined }, bearer(''), 401],
  ];
  test.each(outsiders)('keeps out %s', async (_who, tokens, headers, status) => {
    const { call, begun, restores } = open({ tokens });

    const answers = await Promise.all(
      calls.map((request) => call(request, request.startsWith('POST') ? {} : undefined, headers)),
    );

    expect(answers.map(({ statusCode }) => statusCode)).toEqual(calls.map(() => status));
    expect([begun, restores.list()]).toEqual([[], []]);
  });

  test('that is too weak, or not there, is told with the key of the right one', async () => {
    const { call } = open();
    const closed = open({ tokens: { operate: () => operate } });

    const weak = await call('POST /v1/restores', {}, bearer(operate));
    const missing = await closed.call('POST /v1/restores', {}, bearer(operate));

    expect(weak.json()).toMatchObject({
      detail: 'the token allows no restores',
      hint: 'Use the token of http.tokens.restore.',
    });
    expect(missing.json()).toMatchObject({
      detail: 'restores over the API are switched off: there is no restore token',
      hint: 'Set http.tokens.restore to allow them.',
    });
  });

  test.each(['GET /v1/status', 'GET /v1/backups', 'POST /v1/backups', 'GET /v1/restores'])(
    'of restores allows %s too',
    async (request) => {
      const { call } = open();

      expect((await call(request)).statusCode).toBeLessThan(300);
    },
  );

  test.each(['PUT /v1/restores', 'DELETE /v1/restores', 'POST /v1/restores/x'])(
    'changes nothing about %s, which is no call',
    async (request) => {
      const { call } = open();

      const answer = await call(request);

      expect(answer.statusCode).toBe(405);
      expect(answer.headers.allow).toMatch(/GET, HEAD/);
    },
  );
});

describe('looking at restores', () => {
  test('shows the step and the bytes of the one that runs', async () => {
    const { ask, call, begun } = open();
    const { location } = (await ask()).headers;
    begun[0]?.observe({ kind: 'restore-step-finished', step: 'preflight', tookMs: 1 });
    begun[0]?.observe({ kind: 'restore-advanced', doneBytes: 40, totalBytes: 100 });

    const answer = await call(`GET ${location}`);

    expect(answer.json()).toMatchObject({
      state: 'running',
      stage: 'fetch',
      progress: { doneBytes: 40, totalBytes: 100 },
    });
  });

  test('shows the report of one that succeeded, large numbers as text', async () => {
    const { ask, call, begun } = open();
    const { location } = (await ask()).headers;
    begun[0]?.succeed(report);
    await settled();

    const answer = await call(`GET ${location}`);

    expect(answer.json()).toMatchObject({
      state: 'succeeded',
      stage: null,
      endedAt: '2026-11-20T16:01:00.000Z',
      problem: null,
    });
    expect(answer.json().report).toEqual({
      ...report,
      takenAt: '2026-11-19T15:45:00.000Z',
      revision: '1152921504606846976',
      passedOver: [{ backup: id, code: 'object-damaged', message: 'it has other bytes' }],
    });
  });

  test('shows what to do about one that failed', async () => {
    const { ask, call, begun } = open();
    const { location } = (await ask()).headers;
    const hint = 'Stop this etcd first.';
    begun[0]?.fail(new Failure('restore-refused', 'an etcd is running', { hint }));
    await settled();

    expect((await call(`GET ${location}`)).json()).toMatchObject({
      state: 'failed',
      report: null,
      problem: { code: 'restore-refused', detail: 'an etcd is running', hint },
    });
  });

  test('lists them, the newest first', async () => {
    const { ask, call, begun } = open();
    const first = (await ask()).json();
    begun[0]?.succeed(report);
    await settled();
    const second = (await ask()).json();

    const { restores } = (await call('GET /v1/restores')).json();

    expect(restores).toMatchObject([
      { id: second.id, state: 'running' },
      { id: first.id, state: 'succeeded', report: { store: 'local' } },
    ]);
  });

  test.each(['20261120T160000Z-aaaa', '..', '%2e%2e%2fetc', '__proto__', 'constructor'])(
    'knows no restore %s',
    async (wanted) => {
      const { ask, call } = open();
      await ask();

      const answer = await call(`GET /v1/restores/${wanted}`);

      expect([answer.statusCode, answer.json().code]).toEqual([404, 'not-found']);
    },
  );
});

test('the audit hears who wanted to restore to where, whatever came of it', async () => {
  const { call, ask, audit, dataDir, outside } = open();

  await ask();
  await ask();
  await call('POST /v1/restores', { dataDir: outside });
  await call('POST /v1/restores', { dataDir, owner: 'root' });
  await call('POST /v1/restores', { dataDir: 7 });
  await call('POST /v1/restores', { dataDir }, bearer(operate));
  await call('GET /v1/restores');

  const about = { kind: 'call-made', from: '127.0.0.1', method: 'POST', path: '/v1/restores' };
  expect(audit).toEqual([
    { ...about, who: 'restore', status: 202, target: dataDir },
    { ...about, who: 'restore', status: 409, target: dataDir },
    { ...about, who: 'restore', status: 409, target: outside },
    { ...about, who: 'restore', status: 400, target: dataDir },
    { ...about, who: 'restore', status: 400 },
    // Refused before a byte of the body is read.
    { ...about, who: 'operate', status: 403 },
  ]);
});
