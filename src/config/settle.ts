/** Which text holds for each key, and the settings that the holding texts make. */
import { type Layer, layers, type Supplied, type SuppliedListing } from './collected.ts';
import { type Entry, leavesOf } from './entry.ts';
import { settle } from './layers.ts';
import { maskedText } from './problem.ts';
import { type Settings, schema } from './schema.ts';
import { storeSection } from './store-schema.ts';

export interface Setting {
  /** Full key: `cluster.name`, `stores[0].path`. */
  readonly key: string;
  /** As an operator would write it, lists with commas; null: not set. Never a secret. */
  readonly value: string | null;
  /** `default`, `retention.daily` (taken over from there), or a file place, variable or flag. */
  readonly origin: string;
}

export interface Settlement {
  readonly settings: Settings;
  readonly listed: readonly Setting[];
  /** Throws where a value does not fit the schema; for when all problems are told. */
  readonly assertValid: () => void;
}

/** `stores` is the listing that holds, if there is one. */
export function settleAll(
  fit: readonly Supplied[],
  stores: SuppliedListing | undefined,
): Settlement {
  const whole = settle(schema, textsOf(fit.filter(({ key }) => !key.startsWith('stores['))));
  const inStores = fit.filter(({ layer }) => layer === stores?.layer);
  const each = Array.from({ length: stores?.items.length ?? 0 }, (_, index) => {
    const prefix = `stores[${index}].`;
    const own = inStores.filter(({ key }) => key.startsWith(prefix));
    const bare = own.map((one) => ({ ...one, key: one.key.slice(prefix.length) }));
    return { prefix, own, settled: settle(storeSection, textsOf(bare)) };
  });
  return {
    settings: { ...whole.settings, stores: each.map(({ settled }) => settled.settings) },
    listed: listSettings(fit, each),
    assertValid: () => {
      whole.assertValid();
      for (const { settled } of each) settled.assertValid();
    },
  };
}

function textsOf(supplied: readonly Supplied[]): Readonly<Record<Layer, Record<string, string>>> {
  const texts: Record<Layer, Record<string, string>> = { file: {}, environment: {}, flags: {} };
  for (const { layer, key, text } of supplied) texts[layer][key] = text;
  return texts;
}

interface StoreTexts {
  readonly prefix: string;
  readonly own: readonly Supplied[];
}

function listSettings(fit: readonly Supplied[], stores: readonly StoreTexts[]): readonly Setting[] {
  const rules = new Map<string, Setting>();
  const listed = leavesOf(schema).flatMap(({ key, node }) => {
    if (node.kind === 'listing') return [];
    const setting = settingOf({ key, entry: node }, fit);
    rules.set(key, setting);
    return [setting];
  });
  const inStores = stores.flatMap(({ prefix, own }) =>
    leavesOf(storeSection).flatMap(({ key, node }) => {
      if (node.kind === 'listing') return [];
      const setting = settingOf({ key: `${prefix}${key}`, entry: node }, own);
      const global = rules.get(key);
      if (setting.value !== null || global === undefined) return [setting];
      return [{ ...setting, value: global.value, origin: key }];
    }),
  );
  return [...listed, ...inStores];
}

function settingOf(
  { key, entry }: { key: string; entry: Entry<unknown> },
  fit: readonly Supplied[],
): Setting {
  const own = fit.filter((one) => one.key === key);
  const strongest = own.toSorted(
    (one, other) => layers.indexOf(other.layer) - layers.indexOf(one.layer),
  )[0];
  if (strongest === undefined) return { key, value: entry.default, origin: 'default' };
  return { key, value: maskedText(entry, strongest.text), origin: strongest.origin };
}
