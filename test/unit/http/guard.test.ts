import { describe, expect, test } from 'vitest';
import { type Head, type House, isLoopback, judge } from '../../../src/http/guard.ts';
import { operate, read, restore } from './house.ts';

const nobody = {};
const operators = { operate: () => operate };
const both = { operate: () => operate, read: () => read };
const readers = { read: () => read };
const restorers = { restore: () => restore };
const all = { ...both, ...restorers };

function ask(request: string, tokens: House['tokens'], token?: string, listenHost = '127.0.0.1') {
  const [method = '', path = ''] = request.split(' ');
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  const verdict = judge(
    { method, path, host: '127.0.0.1:9379', authorization },
    { listenHost, tokens },
  );
  return verdict.problem?.status ?? 'in';
}

describe('the door', () => {
  test.each([
    ['GET /healthz', both, undefined, 'in'],
    ['HEAD /metrics', both, undefined, 'in'],
    ['GET /v1/status', nobody, undefined, 'in'],
    ['GET /v1/status', operators, undefined, 'in'],
    ['GET /v1/status', both, undefined, 401],
    ['GET /v1/status', both, 'wrong', 401],
    ['GET /v1/status', both, read, 'in'],
    ['GET /v1/status', both, operate, 'in'],
    ['HEAD /v1/status', both, undefined, 401],
    ['GET /v1/backups/x', both, undefined, 401],
    ['POST /v1/backups', nobody, undefined, 403],
    ['POST /v1/backups', readers, read, 403],
    ['POST /v1/backups', both, undefined, 401],
    ['POST /v1/backups', both, 'wrong', 401],
    ['POST /v1/backups', both, read, 403],
    ['POST /v1/backups', both, operate, 'in'],
    ['POST /v1/backups', all, operate, 'in'],
    ['POST /v1/backups', all, restore, 'in'],
    ['POST /v1/backups', restorers, undefined, 401],
    ['POST /v1/backups', restorers, restore, 'in'],
    ['GET /v1/status', all, restore, 'in'],
    ['GET /v1/status', restorers, undefined, 'in'],
    ['POST /v1/restores', nobody, undefined, 403],
    ['POST /v1/restores', both, operate, 403],
    ['POST /v1/restores', all, undefined, 401],
    ['POST /v1/restores', all, read, 403],
    ['POST /v1/restores', all, operate, 403],
    ['POST /v1/restores', all, restore, 'in'],
    ['GET /v1/restores', restorers, undefined, 401],
    ['GET /v1/restores/x', all, operate, 403],
    ['HEAD /v1/restores/x', all, undefined, 401],
    ['DELETE /v1/backups', both, operate, 405],
    ['GET /openapi.json', both, undefined, 'in'],
    ['GET /v1/jobs', both, undefined, 401],
    ['GET /v1/jobs/x', both, read, 'in'],
    ['GET /v1/retention/plan', both, read, 'in'],
    ['POST /v1/backups/x/verify', all, read, 403],
    ['POST /v1/backups/x/verify', all, operate, 'in'],
    ['POST /v1/scrubs', all, read, 403],
    ['POST /v1/scrubs', all, operate, 'in'],
    ['PUT /v1/backups/x/hold', all, read, 403],
    ['PUT /v1/backups/x/hold', all, operate, 'in'],
    ['DELETE /v1/backups/x/hold', all, read, 403],
    ['DELETE /v1/backups/x/hold', all, operate, 'in'],
    ['DELETE /v1/backups/x', nobody, undefined, 403],
    ['DELETE /v1/backups/x', all, undefined, 401],
    ['DELETE /v1/backups/x', all, operate, 403],
    ['DELETE /v1/backups/x', all, restore, 'in'],
    ['POST /v1/drills', all, operate, 403],
    ['GET /v2/status', both, operate, 404],
    ['GET /v1/status/', both, operate, 404],
  ] as const)('lets %s with %o and token %s: %s', (request, tokens, token, expected) => {
    expect(ask(request, tokens, token)).toBe(expected);
  });

  test.each([
    ['GET /metrics', nobody, undefined, 'in'],
    ['GET /v1/status', nobody, undefined, 403],
    ['GET /v1/status', operators, undefined, 401],
    ['GET /v1/status', operators, operate, 'in'],
    ['GET /v1/status', restorers, undefined, 401],
    ['GET /v1/status', restorers, restore, 'in'],
  ] as const)('is no wider open to other machines: %s with %o and token %s: %s', (...row) => {
    const [request, tokens, token, expected] = row;

    expect(ask(request, tokens, token, '0.0.0.0')).toBe(expected);
  });

  test('stays shut when the token cannot be had', () => {
    const lost = { read: () => undefined, operate: () => '' };

    expect(ask('GET /v1/status', lost, 'undefined')).toBe(401);
    expect(ask('POST /v1/backups', lost, '')).toBe(401);
    expect(ask('POST /v1/backups', lost)).toBe(401);
  });

  test('asks for the token at every call, so that a new one counts at once', () => {
    let token = 'first';
    const tokens = { operate: () => token };

    const before = ask('POST /v1/backups', tokens, 'second');
    token = 'second';

    expect([before, ask('POST /v1/backups', tokens, 'second')]).toEqual([401, 'in']);
  });
});

describe('a client certificate at the door', () => {
  const clients = { read: ['grafana'], operate: ['ops'] };
  const ops = { name: 'ops', scope: 'operate' } as const;
  const grafana = { name: 'grafana', scope: 'read' } as const;

  function show(
    request: string,
    client: ReturnType<NonNullable<Head['client']>>,
    { token, house = {} }: { token?: string; house?: Partial<House> } = {},
  ) {
    const [method = '', path = ''] = request.split(' ');
    const authorization = token === undefined ? undefined : `Bearer ${token}`;
    const head = { method, path, host: 'any.example', authorization, client: () => client };
    return judge(head, { listenHost: '0.0.0.0', tokens: {}, clients, ...house });
  }

  test.each([
    ['GET /v1/status', grafana, 'in'],
    ['GET /v1/status', undefined, 401],
    ['POST /v1/backups', ops, 'in'],
    ['POST /v1/backups', grafana, 403],
    ['POST /v1/restores', ops, 403],
    ['POST /v1/backups', { refusal: 'it has expired' }, 401],
  ] as const)('lets %s of %o: %s', (request, client, expected) => {
    expect(show(request, client).problem?.status ?? 'in').toBe(expected);
  });

  test('closes reading to those without one on loopback too, where readers are named', () => {
    const verdict = (names: typeof clients) =>
      judge(
        { method: 'GET', path: '/v1/status', host: 'localhost', authorization: undefined },
        { listenHost: '127.0.0.1', tokens: {}, clients: names },
      ).problem?.status;

    expect([verdict(clients), verdict({ ...clients, read: [] })]).toEqual([401, undefined]);
  });

  test.each([
    [ops, read, 'certificate:ops'],
    [grafana, operate, 'operate'],
    [ops, operate, 'operate'],
    [{ refusal: 'it has expired' }, operate, 'operate'],
  ] as const)('%o beside the token %s is %s: what allows more', (client, token, caller) => {
    const house = { tokens: both };

    expect(show('GET /v1/status', client, { token, house }).caller).toBe(caller);
  });

  test('is not looked at for probes', () => {
    const client = () => {
      throw new Error('cannot be read');
    };
    const head = { method: 'GET', path: '/healthz', host: undefined, authorization: undefined };

    expect(judge({ ...head, client }, { listenHost: '0.0.0.0', tokens: {}, clients })).toEqual({
      caller: 'anonymous',
    });
  });
});

test('a probe is let in whatever the tokens are', () => {
  const broken = {
    operate: () => {
      throw new Error('the file is gone');
    },
  };

  expect(ask('GET /healthz', broken, operate)).toBe('in');
});

describe('the header Host', () => {
  const askHost = (host: string | undefined, listenHost = '127.0.0.1') =>
    judge(
      { method: 'GET', path: '/v1/status', host, authorization: undefined },
      { listenHost, tokens: nobody },
    ).problem?.code ?? 'in';

  test.each(['localhost', 'LOCALHOST:80', '127.0.0.1', '127.0.0.1:9379', '[::1]', '[::1]:9379'])(
    '%s names this machine',
    (host) => {
      expect(askHost(host)).toBe('in');
    },
  );

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:80',
    'localhost:80:80',
    'evil@localhost',
    '',
    undefined,
  ])('%s names another', (host) => {
    expect(askHost(host)).toBe('wrong-host');
  });

  test('may be the configured one', () => {
    expect(askHost('127.0.0.7:80', '127.0.0.7')).toBe('in');
  });

  test('is free where other machines may connect: they have names of their own for this one', () => {
    const verdict = judge(
      {
        method: 'GET',
        path: '/v1/status',
        host: 'backup.example',
        authorization: `Bearer ${read}`,
      },
      { listenHost: '0.0.0.0', tokens: readers },
    );

    expect(verdict).toEqual({ caller: 'read' });
  });
});

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['localhost', true],
  ['::1', true],
  ['127.evil.example', false],
  ['0.0.0.0', false],
  ['::', false],
])('%s is reached from this machine only: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
