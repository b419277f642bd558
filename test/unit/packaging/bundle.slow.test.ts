/** What a text must be that is put into Node.js together with what V8 made of it. */
import { parseAst } from 'rolldown/parseAst';
import { expect, test } from 'vitest';
import { bundle } from '../../../packaging/bundle.ts';

/** Every `import()` of a text. */
function importsIn(text: string): readonly string[] {
  const found: string[] = [];
  const look = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, start, end } = node as { type?: string; start: number; end: number };
    if (type === 'ImportExpression') found.push(text.slice(start, end));
    for (const below of Object.values(node)) look(below);
  };
  look(parseAst(text));
  return found;
}

test.each(['packaging/single/main.ts', 'src/spool/prover-thread.ts'])(
  'the text of %s imports nothing when it runs, and has narrow characters only',
  async (entry) => {
    const text = await bundle(entry);

    expect(text.length).toBeGreaterThan(10_000);
    expect(importsIn(text)).toEqual([]);
    expect(/[^\0-\xff]/.exec(text)).toBe(null);
  },
);

test('an import() is found where there is one', () => {
  expect(importsIn('const a = async () => import("node:os");')).toEqual(['import("node:os")']);
});
