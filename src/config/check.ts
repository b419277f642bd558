/** Holds every supplied text against its format, and the schema against what was supplied. */
import { Failure } from '../core/errors.ts';
import type { Collected, Supplied, SuppliedListing } from './collected.ts';
import { layers } from './collected.ts';
import { environmentName, type Leaf, leavesOf } from './entry.ts';
import { refuse } from './formats.ts';
import { maskedText, type Problem, shownValue } from './problem.ts';
import { schema } from './schema.ts';
import { listingExample } from './tree.ts';

/** Null when the scheduler takes the text, else its reason in words. */
export type CronFault = (text: string) => string | null;

export interface CheckedTexts {
  /** What passed. */
  readonly fit: readonly Supplied[];
  readonly problems: readonly Problem[];
}

/** Texts of weaker layers are checked too: what is overridden today may hold tomorrow. */
export function checkTexts(supplied: readonly Supplied[], cronFault: CronFault): CheckedTexts {
  const fit: Supplied[] = [];
  const problems: Problem[] = [];
  for (const one of supplied) {
    const found = textProblems(one, cronFault);
    if (found.length === 0) fit.push(one);
    problems.push(...found);
  }
  return { fit, problems };
}

/** The listing that holds: that of the strongest layer which has one. */
export function holdingListing({ listings }: Collected, key: string): SuppliedListing | undefined {
  const own = listings.filter((listing) => listing.key === key);
  return own.toSorted((one, other) => layers.indexOf(other.layer) - layers.indexOf(one.layer))[0];
}

/** Required keys that nobody gave, and listings without an item. */
export function findMissing(
  collected: Collected,
  isWrong: (key: string) => boolean,
): readonly Problem[] {
  const given = (key: string) => collected.supplied.some((one) => one.key === key);
  return leavesOf(schema).flatMap((leaf) => {
    if (leaf.node.kind === 'entry') return missingEntry(leaf, { given, isWrong });
    const listing = holdingListing(collected, leaf.key);
    if (listing === undefined || listing.items.length === 0) {
      if (isWrong(leaf.key) || leaf.node.least === 0) return [];
      const reason = 'needs at least one item';
      const origin = listing?.origin ?? null;
      const example = listingExample(leaf.node);
      return [{ key: leaf.key, value: null, origin, reason, example }];
    }
    const { each } = leaf.node;
    return listing.items.flatMap((origin, index) =>
      leavesOf(each, `${leaf.key}[${index}].`)
        .flatMap((inner) => missingEntry(inner, { given, isWrong }))
        .map((problem) => ({ ...problem, origin })),
    );
  });
}

interface Known {
  readonly given: (key: string) => boolean;
  readonly isWrong: (key: string) => boolean;
}

function missingEntry({ key, node }: Leaf, { given, isWrong }: Known): readonly Problem[] {
  if (node.kind !== 'entry' || !node.required || given(key) || isWrong(key)) return [];
  // An item of a list has no variable and no flag of its own.
  const places = key.includes('[') ? '' : ` in the file, in ${environmentName(key)} or by --${key}`;
  const reason = `is required: set it${places || ' there'}`;
  return [{ key, value: null, origin: null, reason, example: node.example }];
}

function textProblems(one: Supplied, cronFault: CronFault): readonly Problem[] {
  const { entry, key, text, origin } = one;
  const { item } = entry.format;
  if (item !== undefined) {
    return one.items.flatMap((part, index) => {
      const shown = { ...entry, example: item.example };
      const where = { entry: shown, key: `${key}[${index}]`, ...part };
      return problemOf(where, () => item.parse(notEmpty(part.text)));
    });
  }
  return problemOf({ entry, key, text, origin }, () => {
    entry.format.parse(notEmpty(text));
    if (!key.endsWith('.cron') || text === 'never') return;
    const fault = cronFault(text);
    if (fault !== null) refuse(fault);
  });
}

/** Said in one way for every format: an empty variable is a frequent slip of scripts. */
function notEmpty(text: string): string {
  return text.trim() === '' ? refuse('is empty') : text;
}

function problemOf(
  { entry, key, text, origin }: Pick<Supplied, 'entry' | 'key' | 'text' | 'origin'>,
  check: () => void,
): readonly Problem[] {
  try {
    check();
    return [];
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    const value = shownValue(maskedText(entry, text));
    return [{ key, value, origin, reason: thrown.message, example: entry.example }];
  }
}
