/** Walks a tree along the schema, as deep as the schema goes and no deeper. */
import type { Collected, TreeContext } from './collected.ts';
import { type Entry, type Listing, leavesOf, type Section } from './entry.ts';
import { splitItems } from './formats.ts';
import { nearestKey } from './nearest.ts';
import type { Problem } from './problem.ts';
import { schema } from './schema.ts';
import type { Tree } from './yaml.ts';

/** Adds what the tree supplies under `context.node`, and what is wrong with its shape. */
export function readTree(tree: Tree, context: TreeContext, collected: Collected): void {
  const { node } = context;
  if (node.kind === 'section') readSection(tree, { ...context, node }, collected);
  else if (node.kind === 'listing') readListing(tree, { ...context, node }, collected);
  else readEntry(tree, { ...context, node }, collected);
}

/** The value is left out on purpose: a mistaken key may hold a password. */
export function unknownKey(
  key: string,
  { origin, near = nearestKey(key, knownKeys(key)) }: { origin: string; near?: string | undefined },
): Problem {
  const guess = near === undefined ? '' : `; did you mean ${near}?`;
  const reason = `is not a key of the configuration${guess}`;
  return { key, value: null, origin, reason, example: null };
}

type At<N> = TreeContext & { readonly node: N };

function readSection(tree: Tree, context: At<Section>, collected: Collected): void {
  // A section with nothing in it, as when all its lines are commented out, is left at defaults.
  if (tree.kind === 'nothing') return;
  if (tree.kind !== 'map') {
    const reason = 'must be a section: lines of "key: value" under it';
    if (context.key === '') collected.complete = false;
    collected.problems.push(shapeProblem(tree, context, { reason, example: null }));
    return;
  }
  for (const pair of tree.pairs) {
    const key = context.key === '' ? pair.key : `${context.key}.${pair.key}`;
    const node = Object.hasOwn(context.node.keys, pair.key)
      ? context.node.keys[pair.key]
      : undefined;
    if (node === undefined) {
      collected.problems.push(unknownKey(key, { origin: context.origin(pair.at) }));
    } else {
      readTree(pair.value, { ...context, node, key }, collected);
    }
  }
}

function readListing(tree: Tree, context: At<Listing>, collected: Collected): void {
  const { key, layer, node, origin } = context;
  const items = tree.kind === 'list' ? tree.items.map((item) => origin(item.at)) : [];
  collected.listings.push({ layer, key, origin: origin(tree.at), items });
  if (tree.kind !== 'list') {
    const reason = 'must be a list: each item begins with "-"';
    const example = listingExample(node);
    collected.problems.push(shapeProblem(tree, context, { reason, example }));
    return;
  }
  for (const [index, item] of tree.items.entries()) {
    readTree(item, { ...context, node: node.each, key: `${key}[${index}]` }, collected);
  }
}

function readEntry(tree: Tree, context: At<Entry<unknown>>, collected: Collected): void {
  const { key, layer, node: entry } = context;
  const origin = context.origin(tree.at);
  const example = entry.example;
  if (tree.kind === 'text') {
    const parts = entry.format.item === undefined ? [] : splitItems(tree.text);
    const items = parts.map((text) => ({ text, origin }));
    collected.supplied.push({ layer, key, entry, text: tree.text, origin, items });
  } else if (tree.kind === 'list' && entry.format.item !== undefined) {
    const items = tree.items.flatMap((item) =>
      item.kind === 'text' ? [{ text: item.text, origin: context.origin(item.at) }] : [],
    );
    if (items.length === tree.items.length) {
      const text = items.map((item) => item.text).join(',');
      collected.supplied.push({ layer, key, entry, text, origin, items });
    } else {
      const reason = 'must be a list of texts';
      collected.problems.push(shapeProblem(tree, context, { reason, example }));
    }
  } else if (tree.kind !== 'nothing' || entry.required || entry.default !== null) {
    const reason =
      tree.kind === 'nothing' ? 'has no value' : 'must be one value, not a list or section';
    collected.problems.push(shapeProblem(tree, context, { reason, example }));
  }
}

function shapeProblem(
  tree: Tree,
  { key, origin }: TreeContext,
  { reason, example }: Pick<Problem, 'reason' | 'example'>,
): Problem {
  return { key: key === '' ? null : key, value: null, origin: origin(tree.at), reason, example };
}

/** A listing on one line, as a variable or a flag takes it. */
export function listingExample({ each }: Listing): string {
  const given = leavesOf(each).flatMap(({ key, node }) =>
    node.kind === 'entry' && node.shown !== null ? [`${key}: ${node.example}`] : [],
  );
  return `[{ ${given.join(', ')} }]`;
}

/** Keys and sections that could stand where `key` stands, with the indexes that it has. */
function knownKeys(key: string): readonly string[] {
  const [, list, at] = /^([\w.]+)(\[\d+\])\./.exec(key) ?? [];
  const node = leavesOf(schema).find((leaf) => leaf.key === list)?.node;
  return node?.kind === 'listing' ? allKeys(node.each, `${list}${at}.`) : allKeys(schema, '');
}

function allKeys(parent: Section, prefix: string): readonly string[] {
  return Object.entries(parent.keys).flatMap(([name, node]) => {
    const key = `${prefix}${name}`;
    return node.kind === 'section' ? [key, ...allKeys(node, `${key}.`)] : [key];
  });
}
