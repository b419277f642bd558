/** What hangs on a mount holds neither its caller beyond a limit, nor the exit, nor a later call. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nfsStore } from '../../src/store/nfs/store.ts';
import type { Store } from '../../src/store/port.ts';
import {
  abortSoon,
  bodyOf,
  bytesOf,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from '../contract/store-bodies.ts';
import { childrenOf, isRunning } from '../support/nfs-children.ts';
import { makeFolder } from '../unit/store/places.ts';

const stallMs = 3000;

interface Shelf extends AsyncDisposable {
  readonly store: Required<Store>;
  readonly root: string;
  /** The process that works for this store now. */
  child(): number;
}

async function openStore(options: { idleMs?: number } = {}): Promise<Shelf> {
  const root = join(makeFolder(), 'root');
  const others = new Set(childrenOf());
  const store = nfsStore({ name: 'nas', root, mountPoint: '/', stallMs, ...options });
  await putBytes(store, 'a', 'content');
  const child = () => {
    const [own] = childrenOf().filter((id) => !others.has(id));
    if (own === undefined) throw new Error('no process works for the store');
    return own;
  };
  return { store, root, child, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

/** Stops the process as a server that hangs would: it is there, and answers nothing. */
function freeze(id: number): void {
  process.kill(id, 'SIGSTOP');
}

async function untilGone(id: number): Promise<void> {
  while (isRunning(id)) await sleep(20);
}

function startCaller(root: string, what: string) {
  const script = join(import.meta.dirname, '..', 'support', 'nfs-caller.ts');
  const caller = spawn(process.execPath, [script, root, what], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void caller.kill('SIGKILL'));
  return caller;
}

const hangs = {
  code: 'store-failed',
  message: expect.stringContaining('no answer for 3 s: the server or the network hangs'),
  hint: expect.stringContaining('NFS server'),
};

describe('a mount that hangs', () => {
  test('fails a call after the limit; the next one begins anew and finds everything', async () => {
    await using shelf = await openStore();
    const frozen = shelf.child();
    freeze(frozen);
    const startedMs = performance.now();

    await expect(namesIn(shelf.store)).rejects.toMatchObject(hangs);
    const tookMs = performance.now() - startedMs;

    expect(tookMs).toBeGreaterThanOrEqual(stallMs - 10);
    expect(tookMs).toBeLessThan(stallMs + 2000);
    await untilGone(frozen);
    expect(await namesIn(shelf.store)).toEqual(['a']);
    expect(shelf.child()).not.toBe(frozen);
  });

  test('fails every call that waits for it, and leaves no trace of a put', async () => {
    await using shelf = await openStore();
    const { store } = shelf;
    const frozen = shelf.child();
    const begun = Promise.withResolvers<void>();
    const body = {
      ...bodyOf(bytesOf(300_000, 1)),
      async *open() {
        yield bytesOf(100_000, 1);
        freeze(frozen);
        begun.resolve();
        yield bytesOf(200_000, 1);
      },
    };

    const put = store.put(named('folder/b'), body, { signal });
    put.catch(() => {});
    await begun.promise;
    const calls = [put, store.stat(named('a'), { signal }), store.remove(named('a'), { signal })];
    const ends = await Promise.allSettled(calls);

    expect(ends).toMatchObject(calls.map(() => ({ status: 'rejected', reason: hangs })));
    expect(await namesIn(store)).toEqual(['a']);
  });

  test('does not hold a caller who gives up, and holds his process no longer', async () => {
    await using shelf = await openStore();
    const reason = new Error('stopped by the test');
    freeze(shelf.child());
    const startedMs = performance.now();

    await expect(shelf.store.stat(named('a'), { signal: abortSoon(reason) })).rejects.toBe(reason);

    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  test('is not what a body or a reader is that takes its time', async () => {
    await using shelf = await openStore();
    const bytes = bytesOf(1_000_000, 1);
    const slow = {
      ...bodyOf(bytes),
      async *open() {
        yield bytes.subarray(0, 500_000);
        await sleep(stallMs + 500);
        yield bytes.subarray(500_000);
      },
    };

    await shelf.store.put(named('slow'), slow, { signal });
    const read: Uint8Array[] = [];
    for await (const chunk of shelf.store.get(named('slow'), { signal })) {
      if (read.length === 0) await sleep(stallMs + 500);
      read.push(Uint8Array.from(chunk));
    }

    expect(Buffer.concat(read).equals(bytes)).toBe(true);
  });
});

describe('the process for a mount', () => {
  test('that is killed fails the call that it works on; the next one begins anew', async () => {
    await using shelf = await openStore();
    const killed = shelf.child();
    freeze(killed);
    const call = shelf.store.stat(named('a'), { signal });
    call.catch(() => {});
    process.kill(killed, 'SIGKILL');

    await expect(call).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('the process that works on it is gone'),
    });
    expect(String(await readBytes(shelf.store, 'a'))).toBe('content');
  });

  test('tells what the place can do', async () => {
    await using shelf = await openStore();

    const { lines, freeBytes } = await shelf.store.examine(named('probe'), { signal });

    expect(lines.join()).toMatch(/^renames replace, folders sync, \d.* free, at \//);
    expect(freeBytes).toBeGreaterThan(0);
  });

  test('takes no signal for itself: what they mean is for the daemon to say', async () => {
    await using shelf = await openStore();
    const child = shelf.child();

    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(child, name);

    expect(await namesIn(shelf.store)).toEqual(['a']);
    expect(shelf.child()).toBe(child);
  });

  test('ends when nobody has asked for a while, and when the store is closed', async () => {
    await using idle = await openStore({ idleMs: 50 });
    await untilGone(idle.child());
    expect(await namesIn(idle.store)).toEqual(['a']);

    await using closed = await openStore();
    const child = closed.child();
    await closed.store[Symbol.asyncDispose]();

    await untilGone(child);
  });

  test('does not keep a program from its end', async () => {
    const caller = startCaller(join(makeFolder(), 'root'), 'end');
    await once(caller.stdout, 'data');
    const startedMs = performance.now();

    const [code] = await once(caller, 'exit');

    expect(code).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  test('ends with a daemon that is killed, and removes what it was writing', async () => {
    const root = join(makeFolder(), 'root');
    const caller = startCaller(root, 'put');
    await once(caller.stdout, 'data');
    const children = childrenOf(caller.pid);

    caller.kill('SIGKILL');
    for (const child of children) await untilGone(child);

    expect(children).toHaveLength(1);
    expect(await readdir(join(root, 'folder'))).toEqual([]);
  });
});
