/** On real sockets: a request that is over is not a caller that has gone. */
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serveAdmin } from '../../../src/http/admin.ts';
import type { BackupSource } from '../../../src/http/sources.ts';
import { bearer, house, id, operate } from './house.ts';

const url = `/v1/backups/${id}/hold`;
const headers = { ...bearer(operate), 'content-type': 'application/json' };
const body = JSON.stringify({ reason: 'the audit' });

/** A hold ends as the test says; how it was stopped is noted. */
async function open(hold: BackupSource['hold'], answerLimitMs = 20_000) {
  const stopped: unknown[] = [];
  const built = house({ answerLimitMs });
  const backups: BackupSource = {
    ...built.options.backups,
    hold: (one, wanted, { signal }) => {
      signal.addEventListener('abort', () => stopped.push(signal.reason.code));
      return hold(one, wanted, { signal });
    },
  };
  const admin = await serveAdmin({ ...built.options, backups });
  onTestFinished(() => admin[Symbol.asyncDispose]());
  return { admin, stopped, events: built.events };
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });

describe('a call with a body', () => {
  test('is worked on after its last byte has come', async () => {
    const { admin, stopped } = await open(async () => {
      await wait(50);
      return ['local'];
    });

    const answer = await fetch(`${admin.address}${url}`, { method: 'PUT', headers, body });

    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ id, held: true, stores: ['local'] });
    expect(stopped).toEqual([]);
  });

  test('is ended at the limit, and told so', async () => {
    const { admin, stopped, events } = await open(
      (_id, _wanted, { signal }) => aborted(signal),
      50,
    );

    const answer = await fetch(`${admin.address}${url}`, { method: 'PUT', headers, body });

    expect(await answer.json()).toMatchObject({ status: 504, code: 'timed-out' });
    expect(stopped).toEqual(['timed-out']);
    expect(events.filter(({ kind }) => kind === 'call-made')).toMatchObject([{ status: 504 }]);
  });

  test('is answered at the limit also where the work hears of no signal', async () => {
    const { admin } = await open(() => new Promise(() => undefined), 50);

    const answer = await fetch(`${admin.address}${url}`, { method: 'PUT', headers, body });

    expect(answer.status).toBe(504);
  });

  test('is ended when the caller has gone, in the audit once and not taken for a fault', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const { admin, stopped, events } = await open(async (_id, _wanted, { signal }) => {
      begin();
      return await aborted(signal).finally(end);
    });
    const socket = connect(Number(new URL(admin.address).port), '127.0.0.1');
    const lines = Object.entries({ ...headers, host: 'localhost', 'content-length': body.length });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`PUT ${url} HTTP/1.1\r\n${head}\r\n${body}`);

    await begun;
    socket.destroy();
    await ended;
    await admin[Symbol.asyncDispose]();

    expect(stopped).toEqual(['stopped']);
    const told = events.filter(({ kind }) => kind !== 'http-listening');
    expect(told).toMatchObject([{ kind: 'call-made', path: url, status: 503 }]);
  });
});
