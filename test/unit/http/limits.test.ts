import type { FastifyInstance } from 'fastify';
import { describe, expect, test } from 'vitest';
import { buildAdmin } from '../../../src/http/admin-app.ts';
import { Limits } from '../../../src/http/limits.ts';
import { bearer, house, loopback, operate, read } from './house.ts';

const tokens = { read: () => read, operate: () => operate };

/** A clock that stands still until it is moved. */
function limited() {
  const clock = { nowMs: 0 };
  return { clock, limits: new Limits(() => clock.nowMs) };
}

function calls(limits: Limits, amount: number, address = '10.0.0.1'): number {
  const refused = Array.from({ length: amount }, () => limits.refuseCall(address, 'read'));
  return refused.filter((refusal) => refusal === undefined).length;
}

describe('a caller', () => {
  test('gets a hundred calls at once, and then fifty in a second', () => {
    const { clock, limits } = limited();

    const atOnce = calls(limits, 500);
    clock.nowMs += 1000;
    const afterASecond = calls(limits, 500);
    clock.nowMs += 3_600_000;
    const afterAnHour = calls(limits, 500);

    expect([atOnce, afterASecond, afterAnHour]).toEqual([100, 50, 100]);
  });

  test('is told how long to wait', () => {
    const { limits } = limited();
    calls(limits, 100);

    const refusal = limits.refuseCall('10.0.0.1', 'read');

    expect(refusal?.problem).toMatchObject({ status: 429, code: 'too-many-calls' });
    expect(refusal?.headers).toEqual({ 'retry-after': '1' });
  });

  test('takes nothing from callers at other addresses, nor from those with another token', () => {
    const { limits } = limited();
    calls(limits, 500);

    expect(calls(limits, 10, '10.0.0.2')).toBe(10);
    expect(limits.refuseCall('10.0.0.1', 'operate')).toBeUndefined();
    expect(limits.refuseCall('10.0.0.1', 'read')).toBeDefined();
  });

  test('is forgotten after so many others that nothing grows without end', () => {
    const { limits } = limited();
    calls(limits, 100);

    for (let at = 0; at < 5000; at += 1) calls(limits, 1, `10.1.${at >> 8}.${at & 255}`);

    expect(calls(limits, 1)).toBe(1);
  });
});

describe('wrong tokens', () => {
  test('are looked at ten times, and then once in a second', () => {
    const { clock, limits } = limited();
    const guess = (amount: number): number => {
      let looked = 0;
      for (let at = 0; at < amount; at += 1) {
        if (limits.refuseToken('10.0.0.1') !== undefined) continue;
        looked += 1;
        limits.countWrongToken('10.0.0.1');
      }
      return looked;
    };

    const atOnce = guess(1000);
    clock.nowMs += 5000;

    expect([atOnce, guess(1000)]).toEqual([10, 5]);
    expect(limits.refuseToken('10.0.0.2')).toBeUndefined();
  });
});

test('four heavy calls are done at a time, and the next when one of them has ended', async () => {
  const { limits } = limited();
  const ends: (() => void)[] = [];
  const work = () => new Promise<string>((resolve) => ends.push(() => resolve('done')));

  const running = Array.from({ length: 4 }, () => limits.heavily(work));
  const refused = await limits.heavily(work);
  ends[0]?.();
  await running[0];
  const later = limits.heavily(work);
  ends[4]?.();

  expect(refused).toMatchObject({ problem: { status: 503, code: 'busy' } });
  expect(await later).toBe('done');
  expect(ends).toHaveLength(5);
  const failing = limits.heavily(() => Promise.reject(new Error('it broke')));
  await expect(failing).rejects.toThrow('it broke');
  expect(limits.heavily(work)).toBeInstanceOf(Promise);
});

describe('the admin API', () => {
  const ask = (app: FastifyInstance, url: string, headers: object = {}, method = 'GET') =>
    app.inject({ method: method as 'GET', url, headers: { ...loopback, ...headers } });

  async function statuses(times: number, one: () => ReturnType<typeof ask>): Promise<number[]> {
    const seen: number[] = [];
    for (let at = 0; at < times; at += 1) seen.push((await one()).statusCode);
    return seen;
  }

  test('refuses whoever asks without a pause, and goes on answering probes and metrics', async () => {
    const app = buildAdmin(house({ tokens, nowMs: () => 0 }).options);

    const seen = await statuses(300, () => ask(app, '/v1/status', bearer(read)));
    const refused = await ask(app, '/v1/status', bearer(read));
    const probes = await statuses(300, () => ask(app, '/healthz'));
    const metrics = await statuses(300, () => ask(app, '/metrics'));
    const other = await ask(app, '/v1/status', bearer(operate));

    expect(seen.slice(0, 100)).toEqual(Array(100).fill(200));
    expect(refused.json()).toMatchObject({ status: 429, code: 'too-many-calls' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect([...new Set([...probes, ...metrics])]).toEqual([200]);
    expect(other.statusCode).toBe(200);
  });

  test('does not look at the right token after too many wrong ones', async () => {
    const { options, events, orders } = house({ tokens, nowMs: () => 0 });
    const app = buildAdmin(options);
    const order = (token: string) => ask(app, '/v1/backups', bearer(token), 'POST');

    const wrong = await statuses(12, () => order('a-guess'));
    const right = await order(operate);
    const probe = await ask(app, '/healthz', bearer('a-guess'));
    const elsewhere = await app.inject({
      method: 'POST',
      url: '/v1/backups',
      headers: { ...loopback, ...bearer(operate) },
      remoteAddress: '127.0.0.2',
    });

    expect(wrong).toEqual([...Array(10).fill(401), 429, 429]);
    expect([right.statusCode, probe.statusCode, elsewhere.statusCode]).toEqual([429, 200, 202]);
    expect(orders()).toBe(1);
    expect(events.filter(({ kind }) => kind === 'call-made')).toHaveLength(14);
  });

  test('lets four calls read the stores, and tells the fifth to come back', async () => {
    const built = house({ tokens });
    const ends: (() => void)[] = [];
    const list = () =>
      new Promise<{ backups: []; unreadable: [] }>((resolve) => {
        ends.push(() => resolve({ backups: [], unreadable: [] }));
      });
    const app = buildAdmin({ ...built.options, backups: { ...built.options.backups, list } });
    const reading = Array.from({ length: 4 }, () => ask(app, '/v1/backups', bearer(read)));
    await Promise.race([...reading, untilBegun(() => ends.length === 4)]);

    const fifth = await ask(app, '/v1/backups', bearer(read));
    const light = await ask(app, '/v1/jobs', bearer(read));
    for (const end of ends) end();
    const ended = await Promise.all(reading);

    expect(fifth.json()).toMatchObject({ status: 503, code: 'busy' });
    expect(fifth.headers['retry-after']).toBe('2');
    expect([light.statusCode, ...ended.map(({ statusCode }) => statusCode)]).toEqual(
      Array(5).fill(200),
    );
  });
});

async function untilBegun(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
