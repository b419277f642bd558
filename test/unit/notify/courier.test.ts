/** Messages in queues, brought to a real server. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import type { Notice } from '../../../src/core/notice.ts';
import { type Courier, openCourier, type Target } from '../../../src/notify/courier.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';

function notice(text: string, kind: Notice['kind'] = 'backup-failed'): Notice {
  const at = new Date('2026-11-20T15:45:00Z');
  return { kind, level: 'error', at, text, store: null, backup: null, failure: null };
}

function target(name: string, url: string, changes: Partial<Target> = {}): Target {
  const write: Target['write'] = ({ text }) => {
    const place = { url: new URL(url), ca: null, timeoutMs: 500 };
    return { ...place, method: 'POST', headers: {}, body: text };
  };
  return { name, wants: () => true, write, retries: 3, ...changes };
}

type Ended = Extract<Event, { target: string }>;

interface Opened extends Courier {
  readonly ended: Ended[];
}

function open(targets: readonly Target[], drainLimitMs = 20_000): Opened {
  const ended: Ended[] = [];
  const observe = (event: Event) => void ended.push(event as Ended);
  return { ended, ...openCourier(targets, { observe, firstPauseMs: 5, drainLimitMs }) };
}

async function receiver(): Promise<Receiver> {
  const started = await startReceiver();
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

const short = ({ kind, notice: of, attempts }: Ended) => [kind, of, attempts];

describe('a courier', () => {
  test('brings what a target wants, in order, and tells of each', async () => {
    const at = await receiver();
    const courier = open([
      target('chat', at.url, { wants: (kind) => kind !== 'backup-succeeded' }),
    ]);

    courier.tell(notice('one'));
    courier.tell(notice('two', 'backup-succeeded'));
    courier.tell(notice('three', 'backup-recovered'));
    await courier[Symbol.asyncDispose]();

    expect(at.received.map(({ body }) => body)).toEqual(['one', 'three']);
    expect(courier.ended.map(short)).toEqual([
      ['notice-delivered', 'backup-failed', 1],
      ['notice-delivered', 'backup-recovered', 1],
    ]);
  });

  test('tries again after a 500, a cut and a silence, and keeps the order', async () => {
    const at = await receiver();
    at.conducts.push({ status: 500 }, 'reset', 'stall');
    const courier = open([target('chat', at.url)]);

    courier.tell(notice('one'));
    courier.tell(notice('two'));
    await courier[Symbol.asyncDispose]();

    expect(at.received.map(({ body }) => body)).toEqual(['one', 'one', 'one', 'one', 'two']);
    expect(courier.ended.map(short)).toEqual([
      ['notice-delivered', 'backup-failed', 4],
      ['notice-delivered', 'backup-failed', 1],
    ]);
  });

  test('gives up after its retries, and goes on with the next message', async () => {
    const at = await receiver();
    at.conducts.push({ status: 503 }, { status: 503 });
    const courier = open([target('chat', at.url, { retries: 1 })]);

    courier.tell(notice('one'));
    courier.tell(notice('two'));
    await courier[Symbol.asyncDispose]();

    expect(courier.ended.map(short)).toEqual([
      ['notice-failed', 'backup-failed', 2],
      ['notice-delivered', 'backup-failed', 1],
    ]);
    expect(courier.ended[0]).toMatchObject({
      failure: { code: 'notify-failed', message: `${at.url} answered 503` },
    });
  });

  test('does not repeat what is refused', async () => {
    const at = await receiver();
    at.conducts.push({ status: 404 });
    const courier = open([target('chat', at.url)]);

    courier.tell(notice('one'));
    await courier[Symbol.asyncDispose]();

    expect(at.received).toHaveLength(1);
    expect(courier.ended.map(short)).toEqual([['notice-failed', 'backup-failed', 1]]);
  });

  test('lets no dead target hold up another', async () => {
    const [dead, good] = [await receiver(), await receiver()];
    dead.conducts.push('stall');
    await using courier = open([target('dead', dead.url), target('good', good.url)]);

    courier.tell(notice('one'));
    await dead.until(1);
    await good.until(1);

    expect(courier.ended.filter((event) => event.target === 'dead')).toEqual([]);
  });

  test('never throws at who tells, also where a message cannot be written', async () => {
    const at = await receiver();
    const broken = target('broken', at.url, {
      write: () => {
        throw new Failure('config-invalid', '/no/such/file does not exist');
      },
    });
    const courier = open([broken]);

    courier.tell(notice('one'));
    expect(courier.ended).toEqual([]);
    await courier[Symbol.asyncDispose]();

    expect(courier.ended).toMatchObject([{ attempts: 1, failure: { code: 'config-invalid' } }]);
    expect(at.received).toEqual([]);
  });

  test('keeps at most 100 messages waiting, and drops the oldest', async () => {
    const at = await receiver();
    const courier = open([target('chat', at.url)]);

    for (let number = 1; number <= 103; number += 1) courier.tell(notice(`${number}`));
    expect(courier.ended.map(short)).toEqual([
      ['notice-failed', 'backup-failed', 0],
      ['notice-failed', 'backup-failed', 0],
      ['notice-failed', 'backup-failed', 0],
    ]);
    await courier[Symbol.asyncDispose]();

    expect(at.received.map(({ body }) => Number(body))).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 4),
    );
  });

  test('waits at its end for what is under way, and for its limit at most', async () => {
    const at = await receiver();
    at.conducts.push('stall', 'stall', 'stall', 'stall');
    const courier = open([target('chat', at.url)], 100);

    courier.tell(notice('one'));
    courier.tell(notice('two'));
    await courier[Symbol.asyncDispose]();

    expect(at.received.length).toBeLessThan(2);
    expect(courier.ended).toMatchObject([
      {
        kind: 'notice-failed',
        attempts: 1,
        failure: { message: expect.stringContaining('ended') },
      },
      {
        kind: 'notice-failed',
        attempts: 1,
        failure: { message: expect.stringContaining('ended') },
      },
    ]);
  });
});
