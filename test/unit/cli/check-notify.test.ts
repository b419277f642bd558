/** The part of `check` that tries whom others are told by, and `backup` that tells them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Receiver, startReceiver } from '../../support/receiver.ts';
import { call, nobody, place } from './calling.ts';

async function receiver(): Promise<Receiver> {
  const started = await startReceiver();
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

interface Told {
  readonly results: { subject: string; ok: boolean; detail: string; code: string | null }[];
}

async function check(
  settings: Record<string, string>,
  ...more: string[]
): Promise<Told['results']> {
  const { out } = await call(['check', '--json', ...place(settings).words, ...more]);
  const { results } = JSON.parse(out) as Told;
  return results.filter(({ subject }) => /^(ping|webhook)/.test(subject));
}

const hooks = (...webhooks: object[]) => ({ 'notify.webhooks': JSON.stringify(webhooks) });

describe('check', () => {
  test('reaches pings and webhooks, and sends nothing', async () => {
    const at = await receiver();

    const results = await check({
      ...hooks({ name: 'chat', url: `${at.url}/secret` }),
      'notify.ping.success': `${at.url}/secret`,
    });

    const detail = `${at.url} can be reached; nothing was sent`;
    expect(results).toEqual([
      { subject: 'ping', ok: true, detail, code: null },
      { subject: 'webhook chat', ok: true, detail, code: null },
    ]);
    expect(at.received).toEqual([]);
  });

  test('sends webhooks a test message when it is asked to, and never a ping', async () => {
    const at = await receiver();
    at.conducts.push({ status: 200 }, { status: 403, text: 'no such token' });

    const results = await check(
      {
        ...hooks(
          { name: 'chat', url: `${at.url}/a`, template: '{"say":"{{event}}: {{text}}"}' },
          { name: 'pager', url: `${at.url}/b` },
        ),
        'notify.ping.failure': `${at.url}/ping`,
      },
      '--notify',
    );

    expect(results.map(({ ok, detail }) => [ok, detail])).toEqual([
      [true, `${at.url} can be reached; nothing was sent`],
      [true, `${at.url} answered 200: it got a test message`],
      [false, `${at.url} answered 403: no such token`],
    ]);
    expect(at.received.map(({ path }) => path)).toEqual(['/a', '/b']);
    expect(JSON.parse(at.received[0]?.body ?? '').say).toMatch(/^test: a test message/);
  });

  test('tells what is wrong, with a status of its own where all else is well', async () => {
    const results = await check({
      ...hooks(
        { name: 'dead', url: `${nobody}/secret` },
        { name: 'headless', url: nobody, headers: 'Authorization=/no/such/file' },
      ),
    });

    expect(results).toEqual([
      {
        subject: 'webhook dead',
        ok: false,
        detail: `${nobody}: connection refused`,
        code: 'notify-failed',
      },
      {
        subject: 'webhook headless',
        ok: false,
        detail: '/no/such/file does not exist (ENOENT)',
        code: 'config-invalid',
      },
    ]);
  });
});

test('a URL from a file is held to the same rules as one that stands there', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'notify-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const url = (name: string, text: string) => {
    writeFileSync(join(dir, name), `${text}\n`, { mode: 0o600 });
    return { name, url: join(dir, name) };
  };

  const results = await check(
    hooks(url('clear', 'http://hooks.example.org/secret'), url('none', 'hunter2')),
  );

  expect(results.map(({ detail, code }) => [detail, code])).toEqual([
    ['http://hooks.example.org is http, and insecureHttp is false', 'config-invalid'],
    ['must begin with http:// or https://', 'config-invalid'],
  ]);
});

describe('backup', () => {
  test('calls the ping of failure, and ends as it would without', async () => {
    const at = await receiver();
    at.conducts.push({ status: 500 });
    const words = place({
      ...hooks({ name: 'chat', url: nobody, retries: 0 }),
      'notify.ping.success': `${at.url}/good`,
      'notify.ping.failure': `${at.url}/bad`,
      'notify.ping.method': 'POST',
    }).words;

    const told = await call(['backup', ...words]);

    expect(told.code).toBe('cluster-unreachable');
    expect(at.received.map(({ path }) => path)).toEqual(['/bad', '/bad']);
    expect(at.received[1]?.body).toContain(`${nobody}: connection refused`);
    expect(told.err).toContain('backup-failed could not be told to chat (1 try)');
  });
});
