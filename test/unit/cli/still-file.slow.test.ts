import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadStill } from '../../../src/cli/still-file.ts';

const patience = { stillMs: 100, longestMs: 2000 };

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'still-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'config.yaml');
  writeFileSync(file, text);
  return file;
}

describe('a file', () => {
  test('that nobody writes to is loaded once', async () => {
    const file = fileWith('whole');
    let loads = 0;

    const text = await loadStill(
      file,
      () => {
        loads += 1;
        return readFileSync(file, 'utf8');
      },
      patience,
    );

    expect([text, loads]).toEqual(['whole', 1]);
  });

  test('that is being written is loaded when it has been, never by half', async () => {
    const file = fileWith('');
    const loaded: string[] = [];
    const writing = setInterval(() => {
      appendFileSync(file, 'line\n');
      if (readFileSync(file, 'utf8').length === 50) clearInterval(writing);
    }, 20);

    await loadStill(file, () => loaded.push(readFileSync(file, 'utf8')), patience);

    expect(loaded).toEqual(['line\n'.repeat(10)]);
  });

  test('that changes while it is loaded is loaded anew, whatever came of the first', async () => {
    const file = fileWith('half');
    let loads = 0;

    const text = await loadStill(
      file,
      () => {
        loads += 1;
        const read = readFileSync(file, 'utf8');
        if (read === 'whole') return read;
        writeFileSync(`${file}.new`, 'whole');
        renameSync(`${file}.new`, file);
        throw new Error('half a file');
      },
      patience,
    );

    expect([text, loads]).toEqual(['whole', 2]);
  });

  test('that is wrong, or gone, fails as its loading does', async () => {
    const file = fileWith('wrong');
    rmSync(file);

    const loading = loadStill(file, () => readFileSync(file, 'utf8'), patience);

    await expect(loading).rejects.toThrow(/ENOENT/);
  });

  test('that is written to all the time is refused', async () => {
    const file = fileWith('');
    const writing = setInterval(() => appendFileSync(file, 'x'), 20);
    onTestFinished(() => clearInterval(writing));
    let loads = 0;

    const load = (): void => {
      loads += 1;
    };
    const loading = loadStill(file, load, patience);

    await expect(loading).rejects.toMatchObject({ code: 'config-invalid' });
    expect(loads).toBe(0);
  });

  test('that there is none of needs no wait', async () => {
    const startedMs = performance.now();

    const value = await loadStill(undefined, () => 7);

    expect(value).toBe(7);
    expect(performance.now() - startedMs).toBeLessThan(400);
  });
});
