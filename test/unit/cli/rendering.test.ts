/** Tables, JSON and the progress line. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Terminal } from '../../../src/cli/command.ts';
import { progressLine, progressObserver, progressOn } from '../../../src/cli/progress.ts';
import { json, table } from '../../../src/cli/table.ts';
import { sample } from '../observe/events.ts';

const mib = 1024 * 1024;

describe('a table', () => {
  test('aligns its columns, two blanks apart, without trailing blanks', () => {
    const rows = [
      ['NAME', 'SIZE', 'NOTE'],
      ['a', '12.5 MiB', ''],
      ['longer name', '1 B', 'held'],
    ];

    expect(table(rows)).toBe(
      'NAME         SIZE      NOTE\na            12.5 MiB\nlonger name  1 B       held\n',
    );
  });

  test('of nothing is nothing, and rows of blanks are empty lines', () => {
    expect(table([])).toBe('');
    expect(
      table([
        ['', ''],
        ['', ''],
      ]),
    ).toBe('\n\n');
  });

  test('has one line for each row, and every column begins at one place', () => {
    const cell = fc.stringMatching(/^[a-z0-9.:]{1,12}$/);
    const rows = fc
      .integer({ min: 1, max: 5 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1 }),
      );
    fc.assert(
      fc.property(rows, (made) => {
        const lines = table(made).split('\n');
        expect(lines.pop()).toBe('');
        expect(lines.map((line) => line.split(/ {2,}/))).toEqual(made);
        for (const column of made[0]?.keys() ?? []) {
          const begins = lines.map((line) => startOf(line, column));
          expect(new Set(begins).size).toBe(1);
        }
      }),
    );
  });
});

/** Where the column begins; the cells hold no blank. */
function startOf(line: string, column: number): number {
  const cells = [...line.matchAll(/\S+/g)];
  return cells[column]?.index ?? -1;
}

describe('JSON', () => {
  test('is indented, ends with a newline, and writes large numbers as text', () => {
    expect(json({ revision: 2n ** 62n, at: new Date(0), none: null, list: [] })).toBe(
      '{\n  "revision": "4611686018427387904",\n  "at": "1970-01-01T00:00:00.000Z",\n' +
        '  "none": null,\n  "list": []\n}\n',
    );
  });
});

describe('a progress line', () => {
  test.each([
    [0, 100 * mib, `drain [${'.'.repeat(30)}]   0% 0 B of 100 MiB`],
    [1.6 * mib, 100 * mib, `drain [${'.'.repeat(30)}]   1% 1.6 MiB of 100 MiB`],
    [50 * mib, 100 * mib, `drain [${'#'.repeat(15)}${'.'.repeat(15)}]  50% 50 MiB of 100 MiB`],
    [99.9 * mib, 100 * mib, `drain [${'#'.repeat(30)}]  99% 99.9 MiB of 100 MiB`],
    [100 * mib, 100 * mib, `drain [${'#'.repeat(30)}] 100% 100 MiB of 100 MiB`],
    // The trailer comes on top of what was announced.
    [100 * mib + 32, 100 * mib, `drain [${'#'.repeat(30)}] 100% 100 MiB of 100 MiB`],
    [5 * mib, 0, `drain [${'.'.repeat(30)}]   0% 5 MiB of 0 B`],
  ])('of %i of %i bytes is one of 30 marks and a share', (done, total, line) => {
    expect(progressLine('drain', done, total)).toBe(line);
  });
});

describe('progress on a terminal', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'], now: 0 }));
  afterEach(() => void vi.useRealTimers());

  function terminalThat(watched: boolean): Terminal & { readonly written: string[] } {
    const written: string[] = [];
    const out = (text: string): void => {
      throw new Error(`progress is no data: ${text}`);
    };
    const ready = async (): Promise<boolean> => true;
    return { out, err: (text) => void written.push(text), ready, watched, written };
  }

  test('replaces its line, ten times a second at the most', () => {
    const terminal = terminalThat(true);
    const progress = progressOn(terminal);

    for (let ms = 0; ms < 1000; ms += 10) {
      vi.advanceTimersByTime(10);
      progress.show('drain', ms, 1000);
    }

    expect(terminal.written).toHaveLength(10);
    expect(terminal.written[0]).toBe(`\r\u001b[K${progressLine('drain', 90, 1000)}`);
    expect(terminal.written.join('')).not.toContain('\n');
  });

  test('takes its line away once, and nothing where there is none', () => {
    const terminal = terminalThat(true);
    vi.advanceTimersByTime(1000);
    {
      using progress = progressOn(terminal);
      progress.clear();
      progress.show('drain', 1, 2);
      progress.clear();
      progress.clear();
    }

    expect(terminal.written).toEqual([`\r\u001b[K${progressLine('drain', 1, 2)}`, '\r\u001b[K']);
  });

  test('writes nothing where nobody watches', () => {
    const terminal = terminalThat(false);
    vi.advanceTimersByTime(1000);
    {
      using progress = progressOn(terminal);
      progress.show('drain', 1, 2);
    }

    expect(terminal.written).toEqual([]);
  });

  test('draws the steps of a run, and makes room for every other event', () => {
    const terminal = terminalThat(true);
    const observe = progressObserver(progressOn(terminal));
    vi.advanceTimersByTime(1000);

    observe(sample('step-advanced', { step: 'store', doneBytes: 1, totalBytes: 4 }));
    observe(sample('daemon-stopped'));

    expect(terminal.written).toEqual([`\r\u001b[K${progressLine('store', 1, 4)}`, '\r\u001b[K']);
  });
});
