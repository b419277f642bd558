/**
 * What somebody supplied: every text of the file, the environment and the flags with the key that
 * it is for and the place that it came from. Unknown keys and wrong shapes become problems here;
 * whether a text is a right value is not asked yet.
 */
import type { Collected, Layer, TreeContext } from './collected.ts';
import { environmentName, environmentPrefix, type Leaf, leavesOf } from './entry.ts';
import type { ConfigFlag } from './flags.ts';
import { nearestName } from './nearest.ts';
import type { Problem } from './problem.ts';
import { schema } from './schema.ts';
import { readTree, unknownKey } from './tree.ts';
import { parseYaml, type Tree } from './yaml.ts';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export interface Sources {
  readonly file?: SourceFile | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: readonly ConfigFlag[];
}

export function collectSupplied({ file, env, flags }: Sources): Collected {
  const collected: Collected = { supplied: [], listings: [], problems: [], complete: true };
  if (file !== undefined) collectFile(file, collected);
  collectEnvironment(env, collected);
  collectFlags(flags, collected);
  return collected;
}

function collectFile(file: SourceFile, collected: Collected): void {
  const origin = (at: Tree['at']) => `${file.path}:${at.line}:${at.column}`;
  const tree = parseSource(file.text, { key: null, layer: 'file', origin }, collected);
  if (tree === null) collected.complete = false;
  else readTree(tree, { node: schema, key: '', layer: 'file', origin }, collected);
}

/**
 * Variables that Kubernetes puts into every container of a namespace for a Service whose name
 * begins with "etcd-backupd". They are nobody's mistake and must not stop the daemon.
 */
const serviceLink =
  /^ETCD_BACKUPD_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/;

/** The command line reads it to find the file. */
export const fileVariable = `${environmentPrefix}CONFIG`;

function collectEnvironment(env: Sources['env'], collected: Collected): void {
  const leaves = new Map(leavesOf(schema).map((leaf) => [environmentName(leaf.key), leaf]));
  for (const [name, text] of Object.entries(env).toSorted()) {
    if (text === undefined || !name.startsWith(environmentPrefix)) continue;
    const leaf = leaves.get(name);
    if (leaf !== undefined) {
      const origin = `environment variable ${name}`;
      collectText(leaf, { text, layer: 'environment', origin }, collected);
    } else if (name !== fileVariable && !serviceLink.test(name)) {
      collected.problems.push(unknownVariable(name, [...leaves.keys(), fileVariable]));
    }
  }
}

function unknownVariable(name: string, known: readonly string[]): Problem {
  // Compared without the prefix, which would make any two names look alike.
  const bare = (full: string) => full.slice(environmentPrefix.length);
  const near = nearestName(bare(name), known.map(bare));
  const full = near === undefined ? undefined : `${environmentPrefix}${near}`;
  return unknownKey(name, { origin: 'environment', near: full });
}

function collectFlags(flags: readonly ConfigFlag[], collected: Collected): void {
  const leaves = new Map(leavesOf(schema).map((leaf) => [leaf.key, leaf]));
  const seen = new Set<string>();
  for (const { name, value } of flags) {
    const leaf = leaves.get(name);
    const origin = `flag --${name}`;
    if (leaf === undefined) {
      collected.problems.push(unknownKey(name, { origin }));
    } else if (seen.has(name)) {
      const reason = 'is given more than once; only one of them can hold';
      collected.problems.push({ key: name, value: null, origin, reason, example: null });
    } else {
      collectText(leaf, { text: value, layer: 'flags', origin }, collected);
    }
    seen.add(name);
  }
}

interface SourceText {
  readonly text: string;
  readonly layer: Layer;
  readonly origin: string;
}

/** One text for one leaf. A listing is written as YAML, of which JSON is a part. */
function collectText(leaf: Leaf, source: SourceText, collected: Collected): void {
  const { layer } = source;
  const { key, node } = leaf;
  const origin = () => source.origin;
  if (node.kind === 'entry') {
    const at = { line: 1, column: 1 };
    const tree: Tree = { kind: 'text', text: source.text, at };
    readTree(tree, { node, key, layer, origin }, collected);
    return;
  }
  const tree = parseSource(source.text, { key, layer, origin }, collected);
  if (tree !== null) readTree(tree, { node, key, layer, origin }, collected);
}

function parseSource(
  text: string,
  { key, origin }: Pick<TreeContext, 'layer' | 'origin'> & { key: string | null },
  { problems }: Collected,
): Tree | null {
  const { tree, faults } = parseYaml(text);
  for (const { at, reason } of faults) {
    problems.push({ key, value: null, origin: origin(at), reason, example: null });
  }
  return tree;
}
