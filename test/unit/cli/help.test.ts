/** What help shows, as golden files: a change of any of them is a change for people. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCommands } from '../../../src/cli/program.ts';
import { type FailureCode, failureTable } from '../../../src/core/errors.ts';
import { call, expectGolden } from './calling.ts';

const commands = await loadCommands();
const named = commands.map((command) => [command.name, command] as const);

describe('the help of the program', () => {
  test.each(['help', '--help', '-h'])('is shown for %s', async (word) => {
    const told = await call([word]);

    expectGolden('help.txt', told.out);
    expect(told).toMatchObject({ code: 'success', err: '' });
  });

  test('is shown, as a mistake, when no word is given', async () => {
    const told = await call([]);

    expectGolden('help.txt', told.out);
    expect(told).toMatchObject({ code: 'usage', err: '' });
  });

  test('has the commands that the README explains, and the demo', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8');
    const [table = ''] = /^\| command \| what it does \|$[\s\S]*?^$/m.exec(readme) ?? [];
    const firsts = [...table.matchAll(/^\| (`.*?`) \|/gm)].map(([, cell = '']) => cell);
    const explained = firsts.flatMap((cell) => cell.split(', '));

    expect([...explained, '`demo`'].sort()).toEqual(named.map(([name]) => `\`${name}\``).sort());
  });
});

describe('the help of a command', () => {
  test.each(named)('is the committed one: %s', async (name) => {
    const told = await call([name, '--help']);

    expectGolden(`help-${name}.txt`, told.out);
    expect(told).toMatchObject({ code: 'success', err: '' });
  });

  test.each(named)('is shown for -h too, whatever else is wrong: %s', async (name) => {
    const { out } = await call([name, '--help']);

    expect(await call([name, 'one', 'two', '--no-such', '-h'])).toEqual({
      code: 'success',
      out,
      err: '',
    });
  });

  test.each(named)('shows each option and each exit status: %s', async (name, command) => {
    const { out } = await call([name, '--help']);

    for (const option of ['help', ...Object.keys(command.options)]) {
      expect(out).toMatch(new RegExp(`^ {2}--${option}\\b`, 'm'));
    }
    expect(out).toMatch(/\S\n$/);
    const shown = [...out.matchAll(/^ {2,3}(\d+) {2}([a-z-]+)$/gm)];
    const codes: FailureCode[] = [
      'usage',
      ...('config' in command.options ? ['config-invalid' as const] : []),
      ...command.codes,
    ];
    expect(shown.map(([, status, code]) => [code, Number(status)])).toEqual(
      codes.map((code) => [code, failureTable[code].exit]),
    );
  });
});

describe('an example of help', () => {
  const examples = commands.flatMap(({ examples }) => examples);

  test.each(examples)('is a call that the program takes: %s', async (example) => {
    const [program, ...words] = wordsOf(example);

    const told = await call([...words, ...spoiled(words)]);

    expect(program).toBe('etcd-backupd');
    expect(told).toMatchObject(answerTo(words));
  });
});

/** The words of a shell line, without what it does with the output. */
function wordsOf(line: string): string[] {
  const [before = ''] = line.split(' > ');
  const words = [...before.matchAll(/"([^"]*)"|\S+/g)].map((word) => word[1] ?? word[0]);
  // The demo would begin on a machine that has an etcd at the place of the example.
  return words.map((word) => (word.endsWith('/etcd') ? '/dev/null/etcd' : word));
}

/** Keeps an example from doing anything: with it, no configuration loads. */
function spoiled([command, what]: readonly string[]): string[] {
  return what === 'snapshot.db' || command === 'demo' || command === 'completion'
    ? []
    : ['--no.such=key'];
}

function answerTo([command, what]: readonly string[]): object {
  if (what === 'snapshot.db') return { err: expect.stringContaining('cannot read snapshot.db') };
  if (command === 'demo') return { code: 'etcd-start' };
  if (what === 'example' || command === 'completion') return { code: 'success' };
  return { code: 'config-invalid', err: expect.stringContaining('no.such\n    is not a key') };
}
