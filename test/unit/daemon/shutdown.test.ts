import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { exitCodeOf, onHangups, onSignals } from '../../../src/daemon/shutdown.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function listen() {
  const source = new EventEmitter();
  const told: string[] = [];
  const listening = onSignals({
    process: source as unknown as NodeJS.Process,
    drain: (signal) => void told.push(`drain ${signal}`),
    abort: () => void told.push('abort'),
    exit: (code) => void told.push(`exit ${code}`),
  });
  return { source, told, listening };
}

async function send(source: EventEmitter, ...signals: string[]): Promise<void> {
  for (const signal of signals) {
    source.emit(signal, signal);
    await vi.advanceTimersByTimeAsync(200);
  }
}

describe('signals', () => {
  test('drain first, then abort, then end the process', async () => {
    const { source, told } = listen();

    await send(source, 'SIGTERM', 'SIGINT', 'SIGTERM');

    expect(told).toEqual(['drain SIGTERM', 'abort', 'exit 64']);
  });

  test('that arrive twice for one key press count once', async () => {
    const { source, told } = listen();

    source.emit('SIGINT', 'SIGINT');
    source.emit('SIGINT', 'SIGINT');
    await vi.advanceTimersByTimeAsync(200);

    expect(told).toEqual(['drain SIGINT']);
  });

  test('are no longer heard once disposed of', async () => {
    const { source, told, listening } = listen();

    listening[Symbol.dispose]();
    await send(source, 'SIGTERM');

    expect(told).toEqual([]);
    expect(source.eventNames()).toEqual([]);
  });
});

describe('the exit code', () => {
  test('tells a clean stop from a backup that was cut short', () => {
    expect(exitCodeOf({ aborted: false })).toBe(0);
    expect(exitCodeOf({ aborted: true })).toBe(64);
  });
});

describe('hangups', () => {
  function hangups() {
    const source = new EventEmitter();
    const listening = onHangups(source as unknown as NodeJS.Process);
    return { source, listening };
  }

  test('before there is an answer get it once, and each one later', () => {
    const { source, listening } = hangups();
    let reloads = 0;
    source.emit('SIGHUP', 'SIGHUP');
    source.emit('SIGHUP', 'SIGHUP');

    listening.answer(() => {
      reloads += 1;
    });
    const early = reloads;
    source.emit('SIGHUP', 'SIGHUP');
    source.emit('SIGHUP', 'SIGHUP');

    expect([early, reloads]).toEqual([1, 3]);
  });

  test('that never came get no answer', () => {
    const { listening } = hangups();
    let reloads = 0;

    listening.answer(() => {
      reloads += 1;
    });

    expect(reloads).toBe(0);
  });

  test('are no longer heard once disposed of', () => {
    const { source, listening } = hangups();

    listening[Symbol.dispose]();

    expect(source.eventNames()).toEqual([]);
  });
});
