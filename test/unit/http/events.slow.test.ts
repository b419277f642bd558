import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import { serveAdmin } from '../../../src/http/admin.ts';
import { EventStreams, type StreamLimits } from '../../../src/http/event-streams.ts';
import type { AdminOptions } from '../../../src/http/sources.ts';
import { eventFeed, type Feed } from '../../../src/observe/feed.ts';
import { bearer, house, read } from './house.ts';

const swept = (file: string): Event => ({ kind: 'spool-swept', files: [file] });
const progress = (doneBytes: number): Event => {
  return { kind: 'step-advanced', step: 'drain', doneBytes, totalBytes: 100 };
};

async function serve(limits: StreamLimits = {}, changes: Partial<AdminOptions> = {}) {
  const feed = eventFeed({ now: () => new Date('2026-11-21T00:00:00Z') });
  let left = 0;
  const listen: Feed['listen'] = (listener) => {
    const leave = feed.listen(listener);
    return () => {
      left += 1;
      leave();
    };
  };
  const events = new EventStreams({ ...feed, listen }, limits);
  const admin = await serveAdmin(house({ events, ...changes }).options);
  onTestFinished(() => admin[Symbol.asyncDispose]());
  return { feed, admin, left: () => left, url: `${admin.address}/v1/events` };
}

interface Told {
  readonly id: string | null;
  readonly data: { readonly event: string; readonly [field: string]: unknown };
}

/** Reads a stream piece by piece, as a client does. */
class Listener {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  /** Everything, comments too. */
  text = '';
  #taken = 0;

  static async open(url: string, headers: Record<string, string> = {}): Promise<Listener> {
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    return new Listener(await fetch(url, { headers, signal: stop.signal }));
  }

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next events; fewer when the stream ends before. */
  async next(count: number): Promise<Told[]> {
    while (this.#told().length < this.#taken + count && (await this.#more()));
    const next = this.#told().slice(this.#taken, this.#taken + count);
    this.#taken += next.length;
    return next;
  }

  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      if (!(await this.#more())) throw new Error(`the stream ended before ${text}`);
    }
  }

  async end(): Promise<void> {
    while (await this.#more());
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#reader.read();
    this.text += value ?? '';
    return !done;
  }

  #told(): Told[] {
    const whole = this.text.slice(0, this.text.lastIndexOf('\n\n') + 2).split('\n\n');
    return whole
      .filter((block) => block.includes('data: '))
      .map((block) => ({
        id: /^id: (.*)$/m.exec(block)?.[1] ?? null,
        data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? ''),
      }));
  }
}

const filesOf = (told: readonly Told[]) => told.map(({ data }) => String(data['files']));

/** Asks for events by hand. Paused, it reads nothing of them. */
async function bareListener(address: string): Promise<Socket> {
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'readable');
  return socket;
}

function receivedBy(socket: Socket): () => number {
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  return () => bytes;
}

describe('GET /v1/events', () => {
  test('tells what happens from now on, with the fields of the log', async () => {
    const { feed, url } = await serve();
    feed.observe(swept('before'));
    const listener = await Listener.open(url);

    feed.observe(swept('after'));

    const [told] = await listener.next(1);
    expect(listener.response.headers.get('content-type')).toBe('text/event-stream');
    expect(told).toEqual({
      id: expect.stringMatching(/^[0-9a-z]+-2$/),
      data: {
        level: 'info',
        time: '2026-11-21T00:00:00.000Z',
        event: 'spool-swept',
        files: ['after'],
        msg: '1 file of an earlier run removed from the spool',
      },
    });
  });

  test('goes on after the last event that was heard, and forgets none between', async () => {
    const { feed, url } = await serve();
    const first = await Listener.open(url);
    feed.observe(swept('a'));
    const [heard] = await first.next(1);
    for (const file of ['b', 'c']) feed.observe(swept(file));

    const second = await Listener.open(url, { 'last-event-id': heard?.id ?? '' });
    feed.observe(swept('d'));

    expect(filesOf(await second.next(3))).toEqual(['b', 'c', 'd']);
  });

  test.each([['an-earlier-start-7'], ['?'], ['']])(
    'says after the id "%s", which it does not know, that events are missed, and tells what it has',
    async (lastId) => {
      const { feed, url } = await serve();
      feed.observe(swept('a'));

      const listener = await Listener.open(url, { 'last-event-id': lastId });

      const [missed, kept] = await listener.next(2);
      expect([missed?.id, missed?.data.event]).toEqual([null, 'events-missed']);
      expect(filesOf([kept!])).toEqual(['a']);
    },
  );

  test('tells progress without an id, and does not keep it', async () => {
    const { feed, url } = await serve();
    const first = await Listener.open(url);
    feed.observe(swept('a'));
    feed.observe(progress(50));
    const [heard, moved] = await first.next(2);

    const second = await Listener.open(url, { 'last-event-id': heard?.id ?? '' });
    feed.observe(swept('b'));

    expect([moved?.id, moved?.data['doneBytes']]).toEqual([null, 50]);
    expect(filesOf(await second.next(1))).toEqual(['b']);
  });

  test('tells no stack, and nothing of who calls', async () => {
    const { feed, url } = await serve();
    const listener = await Listener.open(url);
    const failure = new Failure('internal', 'out of order', { cause: new Error('password=x') });
    const about = { who: 'operate', from: '10.0.0.9', method: 'POST', path: '/v1/backups' };

    feed.observe({ kind: 'call-made', ...about, status: 202 });
    feed.observe({ kind: 'run-failed', failure, tookMs: 1 });

    const [told] = await listener.next(1);
    expect(told?.data).toMatchObject({ event: 'run-failed', failure: { code: 'internal' } });
    expect(listener.text).not.toMatch(/stack|password|10\.0\.0\.9/);
  });

  test('says from time to time that it is still there', async () => {
    const { url } = await serve({ heartbeatMs: 10 });
    const listener = await Listener.open(url);

    await listener.until(': still here\n\n: still here\n\n');

    expect(listener.text).toMatch(/^retry: \d+\n\n/);
  });

  test('ends after its time, so that who comes back is asked who he is', async () => {
    const { feed, url } = await serve({ lifeMs: 50 });
    const listener = await Listener.open(url);

    await listener.end();
    feed.observe(swept('late'));

    expect(listener.text).not.toContain('late');
  });

  test('is not cut by the limit of other answers', async () => {
    const { feed, url } = await serve({ heartbeatMs: 20 }, { answerLimitMs: 30 });
    const listener = await Listener.open(url);

    await listener.until(': still here\n\n: still here\n\n: still here\n\n');
    feed.observe(swept('late'));

    expect(filesOf(await listener.next(1))).toEqual(['late']);
  });

  test('needs what reading needs', async () => {
    const { url } = await serve({}, { tokens: { read: () => read } });

    const refused = await fetch(url);
    const listener = await Listener.open(url, bearer(read));

    expect([refused.status, listener.response.status]).toEqual([401, 200]);
  });

  test('takes no query', async () => {
    const { url } = await serve();

    expect((await fetch(`${url}?since=yesterday`)).status).toBe(400);
  });
});

describe('listeners', () => {
  test('are refused when there are as many as may be, and let in when one has gone', async () => {
    const { url } = await serve({ listeners: 2 });
    await Listener.open(url);
    const stop = new AbortController();
    await fetch(url, { signal: stop.signal });

    const refused = await fetch(url);
    stop.abort();

    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(await refused.json()).toMatchObject({ code: 'too-many-listeners' });
    await vi.waitFor(async () => {
      const again = await Listener.open(url);
      expect(again.response.status).toBe(200);
    });
  });

  test('are not made by a question for the head', async () => {
    const { url } = await serve({ listeners: 1 });

    const heads = [await fetch(url, { method: 'HEAD' }), await fetch(url, { method: 'HEAD' })];
    const listener = await Listener.open(url);

    expect([...heads, listener.response].map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test('that do not read are dropped, and the others hear on', async () => {
    const { feed, admin, left } = await serve();
    const deaf = await bareListener(admin.address);
    const other = await bareListener(admin.address);
    const heardBytes = receivedBy(other);
    let toldBytes = 0;
    feed.listen(({ json }) => {
      toldBytes += json.length;
    });
    // Without an end to its patience the server would hold nearly all of it back: what the system
    // takes for a connection is some megabytes.
    const mostBytes = 64 * 1024 * 1024;

    while (toldBytes < mostBytes && left() === 0) {
      feed.observe(swept('x'.repeat(8_000)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const gotBytes = receivedBy(deaf);
    await once(deaf, 'close');

    expect(left()).toBe(1);
    expect(gotBytes()).toBeLessThan(toldBytes);
    while (heardBytes() < toldBytes) await once(other, 'data');
  });

  test('do not hold up the end, whether they read or not', async () => {
    const { feed, admin, url } = await serve(
      { unreadBytes: 64 * 1024 * 1024 },
      { closeLimitMs: 60_000 },
    );
    const listener = await Listener.open(url);
    const deaf = await bareListener(admin.address);
    const ended = listener.end();
    // More than the system takes for both ends of the connection.
    for (let told = 0; told < 3_000; told += 1) feed.observe(swept('x'.repeat(8_000)));
    const startedMs = performance.now();

    await admin[Symbol.asyncDispose]();
    await ended.catch(() => undefined);

    expect(performance.now() - startedMs).toBeLessThan(5_000);
    deaf.destroy();
  });

  test('who read to the end see an end, and no fault', async () => {
    const { feed, admin, url } = await serve();
    const listener = await Listener.open(url);
    feed.observe(swept('last'));
    await listener.until('last');

    await admin[Symbol.asyncDispose]();

    await expect(listener.end()).resolves.toBeUndefined();
  });
});
