/**
 * The configuration that holds, as a file that can be loaded again, with the place that each value
 * came from. It prints paths of secrets; the secrets themselves are in no configuration.
 */
import type { Entry, Section } from './entry.ts';
import { splitItems } from './formats.ts';
import type { LoadedConfig } from './load.ts';
import { schema } from './schema.ts';
import type { Setting } from './settle.ts';
import { yamlList, yamlScalar } from './yaml-text.ts';

export function configEffective({ settings }: Pick<LoadedConfig, 'settings'>): string {
  const byKey = new Map(settings.map((setting) => [setting.key, setting]));
  const lines = renderSection(schema, { key: '', indent: '', first: '', byKey });
  return `${lines.join('\n')}\n`;
}

interface Position {
  readonly key: string;
  readonly indent: string;
  /** The indentation of the first key: of a list's item it holds the dash. */
  readonly first: string;
  readonly byKey: ReadonlyMap<string, Setting>;
}

function renderSection(parent: Section, position: Position): readonly string[] {
  const { indent, first, byKey } = position;
  return Object.entries(parent.keys).flatMap(([name, node], index) => {
    const key = `${position.key}${name}`;
    const lead = index === 0 ? first : indent;
    const deeper = `${indent}  `;
    if (node.kind === 'section') {
      const inner = { key: `${key}.`, indent: deeper, first: deeper, byKey };
      return [`${lead}${name}:`, ...renderSection(node, inner)];
    }
    if (node.kind === 'entry') return [`${lead}${name}: ${valueText(node, byKey.get(key))}`];
    const items = itemPrefixes(key, byKey).flatMap((prefix) =>
      renderSection(node.each, {
        key: prefix,
        indent: `${deeper}  `,
        first: `${deeper}- `,
        byKey,
      }),
    );
    return [`${lead}${name}:${items.length === 0 ? ' []' : ''}`, ...items];
  });
}

/** Prefixes of the keys of a list's items: `stores[0].`, `stores[1].`. */
function itemPrefixes(key: string, byKey: ReadonlyMap<string, Setting>): readonly string[] {
  const prefixes = [...byKey.keys()].flatMap((one) =>
    one.startsWith(`${key}[`) ? [one.slice(0, one.indexOf('.', key.length) + 1)] : [],
  );
  return [...new Set(prefixes)];
}

function valueText(entry: Entry<unknown>, setting: Setting | undefined): string {
  if (setting === undefined || setting.value === null) return 'null  # default';
  const { value, origin } = setting;
  const text = entry.format.item === undefined ? yamlScalar(value) : yamlList(splitItems(value));
  return `${text}  # ${origin}`;
}
