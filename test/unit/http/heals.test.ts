import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { TakeAnswer } from '../../../src/http/sources.ts';
import { bearer, newJobs, operate, read } from './house.ts';
import { open } from './restore-house.ts';

/** A daemon that heals once at a time, called by whoever operates it. */
function healing() {
  const heals: string[] = [];
  const jobs = newJobs();
  const requestHeal = (): TakeAnswer => {
    heals.push('asked');
    return jobs.ask('heal', () => (heals.length === 1 ? 'accepted' : 'already-queued'));
  };
  const { call, audit } = open({ requestHeal });
  const ask = (body?: unknown, headers: Record<string, string> = bearer(operate)) =>
    call('POST /v1/heals', body, headers);
  return { heals, ask, audit };
}

describe('asking for healing', () => {
  test('is accepted once at a time, and told to the audit', async () => {
    const { ask, heals, audit } = healing();

    const [first, second] = [await ask(), await ask({})];

    expect(first.statusCode).toBe(202);
    expect(first.json()).toMatchObject({ status: 'accepted', job: { state: 'queued' } });
    expect(second.json()).toMatchObject({ status: 409, code: 'already-running' });
    expect(heals).toHaveLength(2);
    expect(audit).toMatchObject([
      { who: 'operate', path: '/v1/heals', status: 202 },
      { status: 409 },
    ]);
  });

  test.each([
    ['the token of whoever reads', undefined, bearer(read), 403],
    ['no token', undefined, { authorization: '' }, 401],
    ['a field', { store: 'local' }, bearer(operate), 400],
  ] as [string, unknown, Record<string, string>, number][])(
    'is refused with %s',
    async (_what, body, headers, status) => {
      const { ask, heals } = healing();

      const answer = await ask(body, headers);

      expect(answer.statusCode).toBe(status);
      expect(heals).toEqual([]);
    },
  );

  test('is not found where the daemon does not heal, and refused while it drains', async () => {
    const headers = bearer(operate);
    const stopping = open({
      requestHeal: () => {
        throw new Failure('stopped', 'the daemon is stopping');
      },
    });

    const none = await open({}).call('POST /v1/heals', undefined, headers);
    const draining = await stopping.call('POST /v1/heals', undefined, headers);

    expect(none.json()).toMatchObject({ status: 404, code: 'not-found' });
    expect(draining.json()).toMatchObject({ status: 503, code: 'stopped' });
  });
});
