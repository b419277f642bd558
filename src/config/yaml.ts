/**
 * The door to the package yaml: text in, a small tree with places out. Every scalar stays the text
 * that stands in the file, so `name: 007` is not the number 7 and one parser per format serves
 * file, environment and flags. Anchors, aliases and tags are refused: nothing here needs them, and
 * without them what stands in a line is what holds.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLError } from 'yaml';

/** Line and column, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export type Tree = { readonly at: Place } & (
  | { readonly kind: 'map'; readonly pairs: readonly Pair[] }
  | { readonly kind: 'list'; readonly items: readonly Tree[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'nothing' }
);

export interface Pair {
  readonly key: string;
  readonly at: Place;
  readonly value: Tree;
}

export interface YamlFault {
  readonly at: Place;
  readonly reason: string;
}

/** `tree` is null where the faults leave nothing that can be relied on. */
export interface ParsedYaml {
  readonly tree: Tree | null;
  readonly faults: readonly YamlFault[];
}

export function parseYaml(text: string): ParsedYaml {
  const lines = new LineCounter();
  // Pretty errors quote lines of the source, and a line of the source may hold a secret.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    keepSourceTokens: false,
  });
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const told = [...document.errors, ...document.warnings];
  const duplicates = told.filter((error) => error.code === 'DUPLICATE_KEY');
  // The first syntax error is the cause; what follows it is what the parser made of the cause.
  const syntax = told.find((error) => error.code !== 'DUPLICATE_KEY');
  const faults = [...duplicates, ...(syntax === undefined ? [] : [syntax])].map((error) => ({
    at: placeOf(error.pos[0]),
    reason: reasonOf(error),
  }));
  if (syntax !== undefined) return { tree: null, faults };
  const tree = toTree(document.contents, { placeOf, faults });
  return { tree, faults };
}

interface Surroundings {
  readonly placeOf: (offset: number) => Place;
  readonly faults: YamlFault[];
}

function toTree(node: unknown, around: Surroundings, fallback: Place = start): Tree {
  const offset = (node as { range?: readonly number[] | null } | null)?.range?.[0];
  const at = offset === undefined ? fallback : around.placeOf(offset);
  if (isMap(node)) {
    const pairs = node.items.map((pair) => {
      const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      const keyAt = toTree(pair.key, around, at).at;
      return { key, at: keyAt, value: toTree(pair.value, around, keyAt) };
    });
    return { kind: 'map', pairs, at };
  }
  if (isSeq(node)) {
    return { kind: 'list', items: node.items.map((item) => toTree(item, around, at)), at };
  }
  if (isAlias(node)) {
    around.faults.push({ at, reason: 'aliases (*name) are not read; write the value in full' });
    return { kind: 'nothing', at };
  }
  if (!isScalar(node) || node.value === null) return { kind: 'nothing', at };
  const typed = typeof node.value !== 'string';
  return { kind: 'text', text: typed ? (node.source ?? String(node.value)) : `${node.value}`, at };
}

const start: Place = { line: 1, column: 1 };

function reasonOf(error: YAMLError): string {
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return 'the key is there a second time; only one of them can hold';
    case 'BAD_ALIAS':
      return 'a text that begins with * needs quotes, as in cron: "* * * * *"';
    case 'TAB_AS_INDENT':
      return 'a tab indents the line; YAML takes spaces only';
    case 'TAG_RESOLVE_FAILED':
      return 'tags (!name) are not read; write the value in full, in quotes if it begins with !';
    case 'MULTIPLE_DOCS':
      return 'a second document begins; the file holds one';
    default:
      // Behind a colon and in further lines stand pieces of the source, which may be secret.
      return error.message.split(/[:\n]/)[0] ?? error.code;
  }
}
