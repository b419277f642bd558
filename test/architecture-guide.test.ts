/** docs/architecture.md describes the source that is there, and laws that have tests. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ringBytes } from '../src/spool/ring.ts';
import { readGuide } from './support/guides.ts';
import { faultOf } from './support/named-tests.ts';

const root = join(import.meta.dirname, '..');
const guide = readGuide('docs/architecture.md');
const enforced = readFileSync(join(root, 'test', 'architecture.test.ts'), 'utf8');

/** The entries of a table in `test/architecture.test.ts`, as text. */
function enforcedTable(name: string): string[][] {
  const [, body = ''] =
    new RegExp(`^const ${name}: .* = \\{\\n([\\s\\S]*?)^\\};`, 'm').exec(enforced) ?? [];
  return body
    .trim()
    .split('\n')
    .map((line) => line.trim().replaceAll(/[',]/g, '').split(': '));
}

/** The cells of all rows whose first cell is code. */
function rowsBelow(heading: string): string[][] {
  const lines = guide.section(heading).text.split('\n');
  const rows = lines.filter((line) => line.startsWith('| `'));
  return rows.map((row) =>
    row
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.replaceAll('`', '')),
  );
}

describe('docs/architecture.md', () => {
  test('has the rooms, ranks and doors that are enforced', () => {
    const rows = rowsBelow('Rooms').map((cells) => cells.slice(0, 2));

    const tables = [...enforcedTable('ranks'), ...enforcedTable('doors')];
    expect(tables.length).toBeGreaterThan(20);
    expect(rows).toEqual(tables);
  });

  test('names files that exist', () => {
    const words = [...guide.text.matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?)`/g)].map(
      ([, word = '']) => word,
    );
    const missing = words.filter((word) => {
      return ![join(root, word), join(root, 'src', word)].some((path) => existsSync(path));
    });

    expect(words.length).toBeGreaterThan(40);
    expect(missing.filter((word) => !word.startsWith('@'))).toEqual([]);
  });

  test('has tests for each law', () => {
    const laws = guide
      .section('Laws')
      .text.split('\n')
      .filter((line) => /^\| [A-Z]/.test(line));
    const proofs = laws.map((row) => row.replace(/ \|$/, '').split(' | ')[2] ?? '');
    const faults = proofs.flatMap((proof) =>
      proof.split('<br>').flatMap((one) => faultOf(one) ?? []),
    );

    expect(laws).toHaveLength(10);
    expect(faults).toEqual([]);
  });

  test('tells how much of a stream is held', () => {
    const [, told] = /the last (\d+) MiB of the stream/.exec(guide.text) ?? [];

    expect(Number(told) * 1024 * 1024).toBe(ringBytes);
  });
});
