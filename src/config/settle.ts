/** Which text holds for each key, and the settings that the holding texts make. */
import { type Layer, layers, type Supplied, type SuppliedListing } from './collected.ts';
import { type Entry, leavesOf, type Section } from './entry.ts';
import { settle } from './layers.ts';
import { webhookSection } from './notify-schema.ts';
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

/** `holding` tells the listing that holds of a key, if there is one. */
export function settleAll(
  fit: readonly Supplied[],
  holding: (key: string) => SuppliedListing | undefined,
): Settlement {
  const whole = settle(schema, textsOf(fit.filter(({ key }) => !key.includes('['))));
  const stores = settleItems('stores', storeSection, fit, holding);
  const webhooks = settleItems('notify.webhooks', webhookSection, fit, holding);
  const items = [...stores, ...webhooks];
  const { notify, ...settings } = whole.settings;
  return {
    settings: {
      ...settings,
      stores: stores.map(({ settled }) => settled.settings),
      notify: { ...notify, webhooks: webhooks.map(({ settled }) => settled.settings) },
    },
    listed: listSettings(fit, items),
    assertValid: () => {
      whole.assertValid();
      for (const { settled } of items) settled.assertValid();
    },
  };
}

function settleItems<S extends Section>(
  key: string,
  section: S,
  fit: readonly Supplied[],
  holding: (key: string) => SuppliedListing | undefined,
) {
  const held = holding(key);
  const inItems = fit.filter(({ layer }) => layer === held?.layer);
  return Array.from({ length: held?.items.length ?? 0 }, (_, index) => {
    const prefix = `${key}[${index}].`;
    const own = inItems.filter((one) => one.key.startsWith(prefix));
    const bare = own.map((one) => ({ ...one, key: one.key.slice(prefix.length) }));
    return { section, prefix, own, settled: settle(section, textsOf(bare)) };
  });
}

function textsOf(supplied: readonly Supplied[]): Readonly<Record<Layer, Record<string, string>>> {
  const texts: Record<Layer, Record<string, string>> = { file: {}, environment: {}, flags: {} };
  for (const { layer, key, text } of supplied) texts[layer][key] = text;
  return texts;
}

interface ItemTexts {
  readonly section: Section;
  readonly prefix: string;
  readonly own: readonly Supplied[];
}

function listSettings(fit: readonly Supplied[], items: readonly ItemTexts[]): readonly Setting[] {
  const rules = new Map<string, Setting>();
  const listed = leavesOf(schema).flatMap(({ key, node }) => {
    if (node.kind === 'listing') return [];
    const setting = settingOf({ key, entry: node }, fit);
    rules.set(key, setting);
    return [setting];
  });
  const inItems = items.flatMap(({ section, prefix, own }) =>
    leavesOf(section).flatMap(({ key, node }) => {
      if (node.kind === 'listing') return [];
      const setting = settingOf({ key: `${prefix}${key}`, entry: node }, own);
      const global = rules.get(key);
      if (setting.value !== null || global === undefined) return [setting];
      return [{ ...setting, value: global.value, origin: key }];
    }),
  );
  return [...listed, ...inItems];
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
