import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { AdminOptions } from '../../../src/http/sources.ts';
import { bearer, operate, read, restore } from './house.ts';
import { open } from './restore-house.ts';

function reloading(reload: AdminOptions['reload']) {
  let asked = 0;
  const { call, audit } = open({
    reload: () => {
      asked += 1;
      return reload();
    },
    tokens: { read: () => read, operate: () => operate, restore: () => restore },
  });
  const ask = (body?: unknown, headers: Record<string, string> = bearer(operate)) =>
    call('POST /v1/reload', body, headers);
  return { ask, audit, asked: () => asked };
}

const changed = ['schedule.cron'];

describe('asking for a reload', () => {
  test.each([
    ['applied', 200],
    ['unchanged', 200],
    ['waiting', 202],
  ] as const)('tells that it was %s, and the audit who asked', async (status, code) => {
    const { ask, audit } = reloading(async () => ({ status, changed }));

    const answer = await ask();

    expect([answer.statusCode, answer.json()]).toEqual([code, { status, changed }]);
    expect(audit).toMatchObject([{ who: 'operate', path: '/v1/reload', status: code }]);
  });

  test('tells all that is wrong of a configuration that is refused', async () => {
    const failure = new Failure('config-invalid', '2 problems in the configuration\n\n  a\n\n  b');
    const { ask, audit } = reloading(() => Promise.reject(failure));

    const answer = await ask({});

    expect(answer.statusCode).toBe(422);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({
      status: 422,
      code: 'config-invalid',
      detail: failure.message,
      hint: failure.hint,
    });
    expect(audit).toMatchObject([{ status: 422 }]);
  });

  test('is refused while the daemon stops', async () => {
    const failure = new Failure('stopped', 'the daemon is stopping');
    const { ask } = reloading(() => Promise.reject(failure));

    expect((await ask()).json()).toMatchObject({ status: 503, code: 'stopped' });
  });

  test.each([
    ['the token of whoever reads', undefined, bearer(read), 403],
    ['no token', undefined, { authorization: '' }, 401],
    ['a field', { file: '/etc/passwd' }, bearer(operate), 400],
  ] as [string, unknown, Record<string, string>, number][])(
    'is refused with %s',
    async (_, body, headers, status) => {
      const { ask, asked } = reloading(async () => ({ status: 'applied', changed }));

      const answer = await ask(body, headers);

      expect(answer.statusCode).toBe(status);
      expect(asked()).toBe(0);
    },
  );
});
