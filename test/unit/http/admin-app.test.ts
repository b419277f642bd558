import { describe, expect, test } from 'vitest';
import { Failure, failureCodes } from '../../../src/core/errors.ts';
import { buildAdmin } from '../../../src/http/admin-app.ts';
import type { AdminOptions } from '../../../src/http/sources.ts';
import { bearer, house, id, loopback, operate, read } from './house.ts';

function open(changes: Partial<AdminOptions> = {}) {
  const built = house(changes);
  const app = buildAdmin(built.options);
  const call = (
    request: string,
    rest: { headers?: Record<string, string>; body?: string } = {},
  ) => {
    const [method = 'GET', url = '/'] = request.split(' ');
    const headers = { ...loopback, ...rest.headers };
    const payload = rest.body === undefined ? {} : { payload: rest.body };
    return app.inject({ method: method as 'GET', url, headers, ...payload });
  };
  return { ...built, call };
}

const json = { 'content-type': 'application/json' };

describe('probes', () => {
  test('say what the daemon says of itself', async () => {
    const { call } = open();

    const alive = await call('GET /healthz');
    const ready = await call('GET /readyz');

    expect([alive.statusCode, alive.json()]).toEqual([200, { ok: true, reason: 'the loop turns' }]);
    expect([ready.statusCode, ready.json()]).toEqual([
      503,
      { ok: false, reason: 'the stores are being read' },
    ]);
  });

  test('say no when the daemon cannot tell', async () => {
    const { call } = open({
      alive: () => {
        throw new Error('broken');
      },
    });

    expect((await call('GET /healthz')).statusCode).toBe(503);
  });
});

test('the metrics page is given as it is', async () => {
  const { call } = open();

  const page = await call('GET /metrics');

  expect(page.body).toBe('up 1\n');
  expect(page.headers['content-type']).toBe('text/plain; version=0.0.4');
});

describe('reading', () => {
  test('gives the status as JSON, large numbers as text', async () => {
    const { call } = open();

    const answer = await call('GET /v1/status');

    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.json()).toEqual({
      state: 'running',
      revision: '1152921504606846976',
      at: '1970-01-01T00:00:00.000Z',
    });
  });

  test('lists backups, and the stores that did not answer beside them', async () => {
    const { call, asked } = open();

    const answer = await call('GET /v1/backups?store=local&limit=5');

    expect(asked).toEqual([{ store: 'local', limit: 5 }]);
    expect(answer.json()).toMatchObject({
      backups: [{ id, store: 'local', revision: '55919' }],
      unreadable: [{ store: 'offsite', code: 'store-denied' }],
    });
  });

  test('lists a hundred of all stores unless asked otherwise', async () => {
    const { call, asked } = open();

    await call('GET /v1/backups');

    expect(asked).toEqual([{ store: undefined, limit: 100 }]);
  });

  test.each([
    'limit=0',
    'limit=1001',
    'limit=-1',
    'limit=1e3',
    'limit=',
    'limit=1&limit=2',
    'store=',
    'store=a&store=b',
    'stores=local',
    '__proto__=1',
    'store=nowhere',
  ])('refuses ?%s with a hint', async (query) => {
    const { call } = open();

    const answer = await call(`GET /v1/backups?${query}`);

    expect(answer.statusCode).toBe(400);
    expect(answer.json().hint).toMatch(/./);
  });

  test('shows one backup by its id', async () => {
    const { call } = open();

    expect((await call(`GET /v1/backups/${id}`)).json()).toMatchObject({ backups: [{ id }] });
  });

  test.each(['20261119T154500Z-r00000000000000001', 'latest', '%2e%2e%2fetc', 'x'.repeat(300)])(
    'knows no backup %s',
    async (wanted) => {
      const { call } = open();

      expect((await call(`GET /v1/backups/${wanted}`)).statusCode).toBe(404);
    },
  );

  test('is answered to HEAD without a body', async () => {
    const { call } = open();

    const answer = await call('HEAD /v1/status');

    expect([answer.statusCode, answer.body]).toEqual([200, '']);
  });
});

describe('ordering a backup', () => {
  test('is accepted, with the place to look at', async () => {
    const { call, orders } = open();

    const answer = await call('POST /v1/backups', { headers: bearer(operate) });

    expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'accepted' }]);
    expect(answer.headers.location).toBe('/v1/status');
    expect(orders()).toBe(1);
  });

  test('says when one is running already', async () => {
    const { call } = open();

    await call('POST /v1/backups', { headers: bearer(operate) });
    const again = await call('POST /v1/backups', { headers: bearer(operate) });

    expect([again.statusCode, again.json()]).toEqual([202, { status: 'already-running' }]);
  });

  test.each(['', '{}', ' {} '])('takes %j as a body', async (body) => {
    const { call } = open();

    const answer = await call('POST /v1/backups', {
      headers: { ...bearer(operate), ...json },
      body,
    });

    expect(answer.statusCode).toBe(202);
  });

  test.each([
    ['a field', '{"store":"local"}', json, 400],
    ['a list', '[]', json, 400],
    ['null', 'null', json, 400],
    ['half a body', '{', json, 400],
    ['a prototype', '{"__proto__":{}}', json, 400],
    ['a form', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['plain text', '{}', { 'content-type': 'text/plain' }, 415],
    ['no type at all', '{}', { 'content-type': ';;;' }, 415],
    ['70 kB', `"${'x'.repeat(70_000)}"`, json, 413],
  ])('refuses %s', async (_what, body, type, status) => {
    const { call, orders } = open();

    const answer = await call('POST /v1/backups', {
      headers: { ...bearer(operate), ...type },
      body,
    });

    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(orders()).toBe(0);
  });

  test('is refused while the daemon drains', async () => {
    const { call } = open({
      takeBackup: () => {
        throw new Failure('stopped', 'the daemon drains');
      },
    });

    const answer = await call('POST /v1/backups', { headers: bearer(operate) });

    expect(answer.json()).toMatchObject({ status: 503, code: 'stopped' });
  });

  test('is refused with the key to set where no token is configured', async () => {
    const { call, orders } = open({ tokens: {} });

    const answer = await call('POST /v1/backups');

    expect(answer.json()).toMatchObject({
      status: 403,
      hint: expect.stringMatching(/http\.tokens/),
    });
    expect(orders()).toBe(0);
  });

  test('is refused before a byte of the body is read', async () => {
    const { call } = open();

    const answer = await call('POST /v1/backups', { headers: json, body: '{'.repeat(70_000) });

    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('Bearer');
  });
});

describe('the audit', () => {
  test('hears of every call that would change something, whatever came of it', async () => {
    const { call, events } = open({ tokens: { read: () => read, operate: () => operate } });

    await call('POST /v1/backups', { headers: bearer(operate) });
    await call('POST /v1/backups', { headers: bearer(read) });
    await call('POST /v1/backups?token=hunter2');
    await call('POST /v1/backups', { headers: { ...bearer(operate), ...json }, body: '{' });
    await call('DELETE /v1/backups');
    await call('PUT /nowhere');
    await call('POST /v1/%zz');

    const told = events.map((event) =>
      event.kind === 'call-made'
        ? `${event.who} ${event.method} ${event.path} ${event.status}`
        : '',
    );
    expect(told).toEqual([
      'operate POST /v1/backups 202',
      'read POST /v1/backups 403',
      'anonymous POST /v1/backups 401',
      'operate POST /v1/backups 400',
      'anonymous DELETE /v1/backups 405',
      'anonymous PUT /nowhere 404',
      'anonymous POST /v1/%zz 400',
    ]);
  });

  test('hears nothing of calls that only read', async () => {
    const { call, events } = open();

    await call('GET /v1/status');
    await call('HEAD /metrics');
    await call('OPTIONS /v1/backups');

    expect(events).toEqual([]);
  });
});

describe('an error', () => {
  test('is a problem with a code and a hint', async () => {
    const { call } = open();

    const answer = await call('GET /nowhere');

    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      code: 'not-found',
      detail: 'no such path',
      hint: 'The paths are /healthz, /readyz, /metrics and /v1/ with status, events, backups, restores, drills.',
    });
  });

  test('of the method names those that the path knows', async () => {
    const { call } = open();

    const answers = await Promise.all(
      ['PATCH /v1/backups', 'POST /metrics', 'OPTIONS /v1/status'].map((request) => call(request)),
    );

    expect(answers.map(({ statusCode, headers }) => [statusCode, headers.allow])).toEqual([
      [405, 'GET, HEAD, POST'],
      [405, 'GET, HEAD'],
      [405, 'GET, HEAD'],
    ]);
  });

  test('of our own tells callers nothing, and the log everything', async () => {
    const { call, events } = open({
      status: () => {
        throw new Error('hunter2 is the password');
      },
    });

    const answer = await call('GET /v1/status');

    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('hunter2');
    expect(events).toMatchObject([
      { kind: 'call-failed', path: '/v1/status', failure: { message: 'hunter2 is the password' } },
    ]);
  });

  test('comes when a store takes too long, and the store is told to stop', async () => {
    let stopped = false;
    const { call, options } = open({
      answerLimitMs: 50,
      backups: {
        find: async () => [],
        list: (_query, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              stopped = true;
              reject(signal.reason);
            });
          }),
      },
    });

    const answer = await call('GET /v1/backups');

    expect(answer.json()).toMatchObject({ status: 504, code: 'timed-out' });
    expect([options.answerLimitMs, stopped]).toEqual([50, true]);
  });

  test.each(failureCodes)('%s has a status of its own', async (code) => {
    const { call } = open({
      status: () => {
        throw new Failure(code, 'it happened');
      },
    });

    const answer = await call('GET /v1/status');

    expect(answer.json()).toMatchObject({ code, detail: 'it happened', status: answer.statusCode });
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
  });
});

test('every answer forbids keeping and guessing, and names no product', async () => {
  const { call } = open();

  const answers = await Promise.all(['GET /healthz', 'GET /nowhere'].map((one) => call(one)));

  expect(answers.map(({ headers }) => headers)).toEqual(
    answers.map(() =>
      expect.objectContaining({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }),
    ),
  );
  expect(answers.flatMap(({ headers }) => Object.keys(headers))).not.toContain('x-powered-by');
});
