/** Every call of the admin API of a real daemon: as it should be, and refused in every way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routesOf } from '../support/api-calls.ts';
import { type ApiPlace, apiPlace, bearer, type RawCall, tokens } from '../support/api-place.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { seed } from '../support/workload.ts';

const nowhere = '20200101T000000Z-x7k2';
const json = 'Content-Type: application/json';

interface Told {
  readonly who: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** A daemon with three backups, and what was asked of it so far that would change something. */
async function open(etcd: TestCluster) {
  const api = await apiPlace(etcd, 3);
  const asked: Told[] = api.daemon.of('call-made').map((line) => toldBy(line));
  const send = async (call: RawCall) => {
    const answer = await api.send(call);
    const [path = ''] = call.target.split('?');
    expect({ call, answer, faults: api.faultsOf(call, answer) }).toMatchObject({ faults: [] });
    const { method } = call;
    const { status } = answer;
    // What cannot be decoded is refused before anybody looks at a token.
    const who = path.endsWith('%zz') ? 'anonymous' : callerOf(call);
    const isRead = ['GET', 'HEAD', 'OPTIONS'].includes(method);
    if (!isRead) asked.push({ who, method, path, status });
    return { status, headers: answer.headers, json: () => JSON.parse(answer.body) };
  };
  const call = (request: string, body?: object, token: string = tokens.restore) => {
    const [method = '', target = ''] = request.split(' ');
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = [bearer(token), ...(body === undefined ? [] : [json])];
    return send({ method, target, headers, ...sent });
  };
  const list = await call('GET /v1/backups?store=local');
  const ids: string[] = list.json().backups.map(({ id }: { id: string }) => id);
  /** Exactly once each, in their order. */
  const expectAudit = async () => {
    await api.daemon.until('call-made', asked.length);
    expect(api.daemon.of('call-made').map((line) => toldBy(line))).toEqual(asked);
  };
  return { api, send, call, ids, expectAudit };
}

function toldBy(line: object): Told {
  const { who, method, path, status } = line as Told;
  return { who, method, path, status };
}

function callerOf({ headers = [] }: RawCall): string {
  const held = Object.entries(tokens).find(([, token]) => headers.includes(bearer(token)));
  return held?.[0] ?? 'anonymous';
}

/** What the routes that need something are given. */
const bodies: Readonly<Record<string, (root: string) => object>> = {
  'PUT /v1/backups/{id}/hold': () => ({ reason: 'the audit' }),
  'POST /v1/restores': (root) => ({
    dataDir: `${root}/etcd`,
    initialCluster: 'm1=http://127.0.0.1:1',
    dryRun: true,
  }),
};

describe('the API of a daemon', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await seed(etcd);
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  async function finished(
    api: ApiPlace,
    call: Awaited<ReturnType<typeof open>>['call'],
    id: string,
  ) {
    await api.untilIdle();
    return (await call(`GET /v1/jobs/${id}`, undefined, tokens.read)).json();
  }

  test('does what its document says, call by call', async () => {
    const { api, call, ids, expectAudit } = await open(etcd);
    await using _stopped = api;
    const [newest = '', middle = '', oldest = ''] = ids;
    const job = async (request: string, body?: object) => {
      const taken = await call(request, body);
      expect(taken).toMatchObject({ status: 202 });
      const { id } = taken.json().job;
      expect(taken.headers['location']).toBe(`/v1/jobs/${id}`);
      const { state, outcome, problem } = await finished(api, call, id);
      expect({ request, state, problem }).toEqual({ request, state: 'succeeded', problem: null });
      return outcome;
    };

    const verified = await job(`POST /v1/backups/${middle}/verify`, { deep: true });
    const scrubbed = await job('POST /v1/scrubs');
    const healed = await job('POST /v1/heals', {});
    const drilled = await job('POST /v1/drills');
    const taken = await job('POST /v1/backups');
    await call(`PUT /v1/backups/${oldest}/hold`, { reason: 'the audit' }, tokens.operate);
    const plan = (await call('GET /v1/retention/plan?store=offsite')).json();
    const refused = await call(`DELETE /v1/backups/${oldest}`);
    await call(`DELETE /v1/backups/${oldest}/hold`, undefined, tokens.operate);
    const removed = await call(`DELETE /v1/backups/${oldest}`);
    const gone = await call(`DELETE /v1/backups/${oldest}`);
    const begun = await call('POST /v1/restores', bodies['POST /v1/restores']?.(api.root));
    await api.daemon.until('restore-finished');
    const restored = (await call(`GET ${begun.headers['location']}`)).json();

    const copies = ['local', 'offsite'].map((store) => ({ store, outcome: 'passed' }));
    expect(verified).toMatchObject({ result: 'passed', copies });
    expect(scrubbed).toMatchObject({ result: 'clean', damaged: 0 });
    expect(healed).toMatchObject({ result: 'whole', copied: 0 });
    expect(drilled).toMatchObject({ result: 'passed', backup: newest });
    expect(taken).toMatchObject({ result: 'success', missedBy: [] });
    const last = plan.stores[0].decisions.at(-1);
    expect(last).toMatchObject({ id: oldest, keep: true });
    expect(last.reasons).toContain('held: the audit');
    expect([refused.status, removed.status, gone.status]).toEqual([409, 200, 404]);
    expect(refused.json().detail).toContain('held: the audit');
    expect(restored).toMatchObject({ state: 'succeeded', dryRun: true });
    for (const path of ['/openapi.json', '/healthz', '/readyz', '/metrics', '/v1/status']) {
      expect((await call(`GET ${path}`)).status).toBe(200);
    }
    const kinds = (await call('GET /v1/jobs'))
      .json()
      .jobs.map(({ kind }: { kind: string }) => kind);
    expect(kinds.slice(0, 5)).toEqual(['backup', 'drill', 'heal', 'scrub', 'verify']);
    expect((await call('GET /v1/restores')).json().restores).toHaveLength(1);
    expect((await call(`GET /v1/backups/${oldest}`)).status).toBe(404);
    await expectAudit();
  });

  test('refuses every call without the right token, form and place, and changes nothing', async () => {
    const { api, send, ids, expectAudit } = await open(etcd);
    await using _stopped = api;
    const before = await api.fingerprint();
    const seen = new Set<string>();

    for (const { method, path, scope } of routesOf(api.document)) {
      const id = path.startsWith('/v1/backups') ? (ids[0] ?? '') : nowhere;
      const target = path.replace('{id}', id);
      const made = bodies[`${method} ${path}`]?.(api.root);
      const body = made === undefined ? {} : { body: JSON.stringify(made) };
      const right = { method, target, headers: [bearer(tokens[scope ?? 'read']), json], ...body };
      const isProbe = scope === undefined && path !== '/openapi.json';
      const changes = method !== 'GET';
      const variants: [string, boolean, Partial<RawCall>, number[]][] = [
        ['no token', scope !== undefined, { headers: [json] }, [401]],
        ['a wrong token', scope !== undefined, { headers: [bearer('guess'), json] }, [401]],
        ['a lower scope', scope !== 'read' && scope !== undefined, lower(scope), [403]],
        ['a wrong method', true, { method: 'PATCH' }, [405]],
        ['another host', scope !== undefined, host(right, 'evil.example'), [421]],
        ['a wrong path', true, { target: `${target}/x/y` }, [404]],
        ['another version', path.startsWith('/v1'), { target: target.replace('1', '2') }, [404]],
        ['a wrong encoding', true, { target: `${target}%zz` }, [400, 404]],
        ['a way out', true, { target: `${target}/..%2f..%2fetc` }, [404, 405]],
        ['an unknown field', !isProbe, { target: `${target}?command=x` }, [400]],
        ['an unknown key', changes, { body: '{"command":"/bin/sh"}' }, [400]],
        ['a list', changes, { body: '[]' }, [400]],
        ['half a body', changes, { body: '{"reason":' }, [400]],
        ['a form', changes, { body: 'a=b', headers: form(right) }, [415]],
        ['too much', changes, { body: `"${'x'.repeat(70_000)}"` }, [413]],
      ];
      for (const [what, applies, changed, statuses] of variants) {
        if (!applies) continue;
        const { status } = await send({ ...right, ...changed });
        expect(statuses, `${method} ${path} with ${what}: ${status}`).toContain(status);
        seen.add(what);
      }
    }

    expect(seen.size).toBe(15);
    expect(await api.fingerprint()).toBe(before);
    await expectAudit();
  });
});

function lower(scope: string | undefined): Partial<RawCall> {
  const token = scope === 'restore' ? tokens.operate : tokens.read;
  return { headers: [bearer(token), json] };
}

function host({ headers }: { readonly headers: readonly string[] }, name: string) {
  return { headers: [...headers, `Host: ${name}`] };
}

function form({ headers }: { readonly headers: readonly string[] }): string[] {
  return [...headers.filter((line) => line !== json), 'Content-Type: text/plain'];
}
