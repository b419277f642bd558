/** One message and whatever a real server does with it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../../src/cluster/loopback.ts';
import { type Answer, type Outgoing, post } from '../../../src/notify/post.ts';
import { reach } from '../../../src/notify/reach.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { type Conduct, type Receiver, startReceiver } from '../../support/receiver.ts';

const secretPath = '/services/T000/very-secret';
const never = new AbortController().signal;

function message(url: string, changes: Partial<Outgoing> = {}): Outgoing {
  return {
    url: new URL(url),
    ca: null,
    timeoutMs: 5000,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-key': 'hunter2' },
    body: '{"text":"Grüße"}',
    ...changes,
  };
}

async function receiver(...conducts: Conduct[]): Promise<Receiver> {
  const started = await startReceiver();
  onTestFinished(() => started[Symbol.asyncDispose]());
  started.conducts.push(...conducts);
  return started;
}

async function postTo(at: Receiver, changes: Partial<Outgoing> = {}): Promise<Answer> {
  return post(message(`${at.url}${secretPath}`, changes), never);
}

describe('a message', () => {
  test('arrives with its method, path, headers and body', async () => {
    const at = await receiver();

    const answer = await postTo(at, { method: 'PUT' });

    expect(answer).toMatchObject({ taken: true });
    expect(at.received).toMatchObject([
      {
        method: 'PUT',
        path: secretPath,
        headers: { 'x-key': 'hunter2', 'content-length': '18' },
        body: '{"text":"Grüße"}',
      },
    ]);
  });

  test('of a GET has no body', async () => {
    const at = await receiver();

    await postTo(at, { method: 'GET' });

    expect(at.received).toMatchObject([{ method: 'GET', body: '' }]);
    expect(at.received[0]?.headers).not.toHaveProperty('content-length');
  });

  test.each([
    [200, true, false],
    [204, true, false],
    [400, false, false],
    [404, false, false],
    [408, false, true],
    [429, false, true],
    [500, false, true],
    [503, false, true],
  ])('that is answered %i: taken %s, tried again %s', async (status, taken, again) => {
    const at = await receiver({ status });

    const answer = await postTo(at);

    expect(answer).toEqual({ taken, again, detail: `${at.url} answered ${status}` });
  });

  test('that is refused brings the first words of the reason', async () => {
    const at = await receiver({ status: 400, text: `invalid\n\tpayload ${'x'.repeat(5000)}` });

    const { detail } = await postTo(at);

    expect(detail).toMatch(/answered 400: invalid payload x{180,190}$/);
  });

  test('follows no redirect, and says where to', async () => {
    const other = await receiver();
    const at = await receiver({ status: 307, location: `${other.url}/elsewhere/secret` });

    const answer = await postTo(at);

    expect(answer).toEqual({
      taken: false,
      again: false,
      detail: `${at.url} answered 307: it has moved to ${other.url}; set the new URL`,
    });
    expect(other.received).toEqual([]);
  });

  test('waits its limit for a server that says nothing', async () => {
    const at = await receiver('stall');

    const answer = await postTo(at, { timeoutMs: 200 });

    expect(answer).toEqual({ taken: false, again: true, detail: `${at.url}: no answer in 200ms` });
  });

  test('is taken with the status, whatever comes behind it', async () => {
    const at = await receiver('endless');

    const answer = await postTo(at);

    expect(answer.taken).toBe(true);
  });

  test('that is cut off may be tried again', async () => {
    const at = await receiver('reset');

    const answer = await postTo(at);

    expect(answer).toMatchObject({ again: true, detail: `${at.url}: the connection was cut` });
  });

  test('to nobody may be tried again', async () => {
    const [port] = await freePorts(1);

    const answer = await post(message(`http://127.0.0.1:${port}/x`), never);

    expect(answer).toEqual({
      taken: false,
      again: true,
      detail: `http://127.0.0.1:${port}: connection refused`,
    });
  });

  test('ends with the signal', async () => {
    const at = await receiver('stall');
    const stop = new AbortController();

    const sent = post(message(at.url, { timeoutMs: 60_000 }), stop.signal);
    await at.until(1);
    stop.abort();

    expect((await sent).taken).toBe(false);
  });
});

describe('over TLS', () => {
  let made: Certificates;
  const dir = mkdtempSync(join(tmpdir(), 'notify-'));
  beforeAll(() => {
    made = makeCertificates(dir);
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  async function secure(pair: 'server' | 'expiredServer' | 'otherNameServer'): Promise<Receiver> {
    const started = await startReceiver(made[pair]);
    onTestFinished(() => started[Symbol.asyncDispose]());
    return started;
  }

  test('a message arrives where the authority is the given one', async () => {
    const at = await secure('server');

    const answer = await postTo(at, { ca: readFileSync(made.ca, 'utf8') });

    expect(answer.taken).toBe(true);
  });

  test.each([
    ['server', 'not signed by a known authority', false],
    ['expiredServer', 'has expired', true],
    ['otherNameServer', 'is for another host', true],
  ] as const)('nothing is sent to %s, whose certificate %s', async (pair, reason, trusted) => {
    const at = await secure(pair);
    const ca = trusted ? readFileSync(made.ca, 'utf8') : null;

    const answer = await postTo(at, { ca });

    expect(answer).toMatchObject({ taken: false, again: false });
    expect(answer.detail).toContain(reason);
    expect(at.received).toEqual([]);
    const place = { url: new URL(at.url), ca, timeoutMs: 5000 };
    await expect(reach(place, never)).rejects.toThrow(reason);
  });

  test('a place is reached without a message', async () => {
    const at = await secure('server');
    const place = { url: new URL(at.url), ca: readFileSync(made.ca, 'utf8'), timeoutMs: 5000 };

    const told = await reach(place, never);

    expect(told).toBe(`${at.url} can be reached; nothing was sent`);
    expect(at.received).toEqual([]);
  });
});
