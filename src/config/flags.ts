/** Configuration flags on a command line: `--cluster.endpoints=a,b`, `--log.pretty`. */
import type { Entry, Listing } from './entry.ts';
import { leavesOf } from './entry.ts';
import { truth } from './formats.ts';
import { schema } from './schema.ts';

export interface ConfigFlag {
  /** A key of the configuration, without the dashes. Not checked. */
  readonly name: string;
  readonly value: string;
}

export interface SplitArguments {
  readonly flags: readonly ConfigFlag[];
  /** Everything else, in its order: for the command. */
  readonly rest: readonly string[];
}

const flagText = /^--([A-Za-z][\w-]*(?:\.[\w-]+)*)(?:=([\s\S]*))?$/;

/**
 * Takes every word that can only be meant for the configuration: `--` with a dot in its name, or
 * with the name of a listing. Unknown ones are taken as well, so that the loader can name them
 * together with all other problems. Nothing behind `--` is touched.
 */
export function splitConfigFlags(argv: readonly string[]): SplitArguments {
  const leaves = new Map(leavesOf(schema).map((leaf) => [leaf.key, leaf.node]));
  const flags: ConfigFlag[] = [];
  const rest: string[] = [];
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  for (let at = 0; at < end; at += 1) {
    const word = argv[at] ?? '';
    const [, name, inline] = flagText.exec(word) ?? [];
    if (name === undefined || !(name.includes('.') || leaves.has(name))) {
      rest.push(word);
      continue;
    }
    const next = at + 1 < end ? argv[at + 1] : undefined;
    const taken = inline ?? separateValue(leaves.get(name), next);
    if (inline === undefined && taken !== undefined && taken === next) at += 1;
    flags.push({ name, value: taken ?? (isSwitch(leaves.get(name)) ? 'true' : '') });
  }
  return { flags, rest: [...rest, ...argv.slice(end)] };
}

function isSwitch(node: Entry<unknown> | Listing | undefined): boolean {
  return node?.kind === 'entry' && node.format.name === truth.name;
}

function separateValue(
  node: Entry<unknown> | Listing | undefined,
  next: string | undefined,
): string | undefined {
  return isSwitch(node) || next === undefined || next.startsWith('--') ? undefined : next;
}
