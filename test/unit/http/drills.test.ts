import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { TakeAnswer } from '../../../src/http/sources.ts';
import { bearer, newJobs, operate, read } from './house.ts';
import { open } from './restore-house.ts';

/** A daemon that takes one drill at a time. */
function drilling() {
  const drills: string[] = [];
  const jobs = newJobs();
  const requestDrill = (): TakeAnswer => {
    drills.push('asked');
    return jobs.ask('drill', () => (drills.length === 1 ? 'accepted' : 'already-queued'));
  };
  return { drills, ...open({ requestDrill }) };
}

describe('asking for a drill', () => {
  test('is accepted, and told to the audit', async () => {
    const { call, drills, audit } = drilling();

    const answer = await call('POST /v1/drills');

    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({ status: 'accepted', job: { kind: 'drill' } });
    expect(answer.headers.location).toBe(`/v1/jobs/${answer.json().job.id}`);
    expect(drills).toHaveLength(1);
    expect(audit).toMatchObject([{ who: 'restore', path: '/v1/drills', status: 202 }]);
  });

  test('is refused while one is running', async () => {
    const { call } = drilling();
    await call('POST /v1/drills');

    const again = await call('POST /v1/drills', {});

    expect(again.json()).toMatchObject({ status: 409, code: 'already-running' });
  });

  test.each([
    ['the token of whoever operates', undefined, bearer(operate), 403],
    ['the token of whoever reads', undefined, bearer(read), 403],
    ['no token', undefined, { authorization: '' }, 401],
    ['a field', { backup: 'latest' }, {}, 400],
    ['a list', [], {}, 400],
  ] as [string, unknown, Record<string, string>, number][])(
    'is refused with %s',
    async (_what, body, headers, status) => {
      const { call, drills } = drilling();

      const answer = await call('POST /v1/drills', body, headers);

      expect(answer.statusCode).toBe(status);
      expect(drills).toEqual([]);
    },
  );

  test('is refused while the daemon drains', async () => {
    const { call } = open({
      requestDrill: () => {
        throw new Failure('stopped', 'the daemon is stopping');
      },
    });

    expect((await call('POST /v1/drills')).json()).toMatchObject({ status: 503, code: 'stopped' });
  });
});
