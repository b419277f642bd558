import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import { type LogOptions, logObserver } from '../../../src/observe/log.ts';
import { clockAt, everyEvent, sample, stalled } from './events.ts';

function recordLog(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const observe = logObserver({
    level: 'trace',
    pretty: false,
    now: clockAt('15:46:00').now,
    destination: { write: (line) => lines.push(line) },
    ...options,
  });
  return { lines, observe, records: () => lines.map((line) => JSON.parse(line)) };
}

/** Without stacks: they name files and lines. */
function withoutStacks(line: string): string {
  return line.replace(/,"stack":"(?:[^"\\]|\\.)*"/g, '');
}

describe('the log', () => {
  test('writes every event as one line of JSON that people know', async () => {
    const log = recordLog();

    everyEvent.forEach(log.observe);

    expect(log.lines).toHaveLength(everyEvent.length);
    const text = log.lines.map(withoutStacks).join('');
    await expect(text).toMatchFileSnapshot('../../golden/log.jsonl');
  });

  test('writes every event as one line for a terminal', async () => {
    const log = recordLog({ pretty: true, level: 'info' });

    everyEvent.forEach(log.observe);

    expect(log.lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
    await expect(log.lines.join('')).toMatchFileSnapshot('../../golden/log.txt');
  });

  test('leaves out what is below its level', () => {
    const log = recordLog({ level: 'warn' });

    log.observe(sample('step-advanced'));
    log.observe(sample('backup-committed'));
    log.observe(sample('source-failed'));

    expect(log.records().map(({ event }) => event)).toEqual(['source-failed']);
  });

  test('writes who changed something whatever its level', () => {
    const log = recordLog({ level: 'error' });

    log.observe(sample('call-made'));

    expect(log.records()).toMatchObject([{ event: 'call-made', audit: true, status: 202 }]);
  });

  test('writes nothing else at the level fatal, however bad it is', () => {
    const log = recordLog({ level: 'fatal' });

    everyEvent.forEach(log.observe);

    expect(new Set(log.records().map(({ event }) => event))).toEqual(new Set(['call-made']));
  });

  test('is louder about a failed proof than about a passed one', () => {
    const log = recordLog();

    log.observe(sample('proof-finished'));
    log.observe(sample('proof-finished', { outcome: 'failed' }));

    expect(log.records().map(({ level }) => level)).toEqual(['debug', 'error']);
  });

  test('tells a failure without its stack', () => {
    const log = recordLog({ level: 'info' });

    log.observe(sample('run-failed'));

    const { failure } = log.records()[0];
    expect(failure).toEqual({
      code: 'stream-stalled',
      message: stalled.message,
      hint: stalled.hint,
      context: { member: '000000000000002a', receivedBytes: '4096' },
    });
  });

  test('tells the stack and the cause of a fault of its own', () => {
    const log = recordLog({ level: 'info' });
    const cause = new RangeError('out of bounds');

    log.observe(sample('run-failed', { failure: new Failure('internal', 'bad', { cause }) }));

    expect(log.records()[0].failure.stack).toMatch(/bad[\s\S]*caused by: RangeError: out of/);
  });

  test('survives causes in a ring, dates that are none and facts that are no JSON', () => {
    const log = recordLog();
    const ring = new Failure('stream-broken', 'cut');
    ring.cause = ring;

    log.observe(sample('run-failed', { failure: ring, tookMs: Number.NaN }));
    log.observe(sample('next-run-scheduled', { at: new Date(Number.NaN) }));

    expect(log.records()).toMatchObject([{ tookMs: null }, { at: null }]);
  });

  test('cuts a list that is too long for a line', () => {
    const log = recordLog();
    const objects = Array.from({ length: 5000 }, (_, at) => `cluster/${at}.db`);

    log.observe(sample('orphans-swept', { objects }));

    expect(log.records()[0].objects.slice(99)).toEqual(['cluster/99.db', '… 4900 more']);
  });
});

describe('a secret that a message quotes', () => {
  const secrets: readonly [string, string][] = [
    ['a URL', 'connect https://root:hunter2@m1:2379 refused'],
    ['a header', 'sent Authorization: Bearer hunter2hunter2hunter2'],
    ['a signed URL', 'GET https://s3/x?X-Amz-Signature=hunter2&b=1'],
    ['an option', 'called with password=hunter2'],
    ['a key of age', 'AGE-SECRET-KEY-1HUNTER2HUNTER2'],
    ['a private key', '-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----'],
  ];

  test.each(secrets)('in %s is in no line', (_where, message) => {
    const json = recordLog();
    const pretty = recordLog({ pretty: true });
    const failure = new Failure('internal', message, { context: { message }, hint: message });

    for (const log of [json, pretty]) log.observe(sample('run-failed', { failure }));

    expect([...json.lines, ...pretty.lines].join('')).not.toMatch(/hunter2/i);
  });

  test('under a key that says so is in no line', () => {
    const log = recordLog();
    const failure = new Failure('cluster-auth', 'refused', { context: { password: 'hunter2' } });

    log.observe(sample('run-failed', { failure }));

    expect(log.records()[0].failure.context).toEqual({ password: '[secret]' });
  });

  test('costs no more time where the text is hostile', () => {
    const log = recordLog();
    const message = `${'://'.repeat(100_000)}${'a'.repeat(1_000_000)}`;
    const startedMs = performance.now();

    log.observe(sample('run-failed', { failure: new Failure('stream-broken', message) }));

    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(log.lines.join('').length).toBeLessThan(40_000);
  });
});

describe('a line for a terminal', () => {
  test('cannot be forged by what a server says', () => {
    const log = recordLog({ pretty: true, level: 'info' });
    const message = 'bad\n2026-11-20 15:46:00Z info  all is well\u001b[2J';

    log.observe(sample('run-failed', { failure: new Failure('stream-broken', message) }));

    const text = log.lines.join('');
    expect(text.trimEnd()).not.toContain('\n');
    expect(text).not.toContain('\u001b');
    expect(text).toContain('\\u001b[2J');
  });

  test('says what to do about a failure', () => {
    const log = recordLog({ pretty: true, level: 'info' });

    log.observe(sample('run-failed') satisfies Event);

    expect(log.lines[0]).toContain(stalled.hint);
  });

  test('takes a sentence for no format', () => {
    const log = recordLog({ pretty: true });

    log.observe(sample('slot-missed', { reason: '100 %s %d %j %%' }));

    expect(log.lines[0]).toContain('100 %s %d %j %%');
  });
});
