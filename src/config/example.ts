/**
 * The example file, rendered from the schema. What most operators set is there as live lines; every
 * other key is a comment with its default, so that taking away "# " is all it takes to set it.
 */
import type { Entry, Listing, Section } from './entry.ts';
import { splitItems } from './formats.ts';
import { schema } from './schema.ts';
import { yamlComment, yamlScalar } from './yaml-text.ts';

export function configExample(): string {
  const lines = [
    '# Configuration of etcd-backupd, with every key that there is. Commented keys show their',
    '# default, or "for example" where they are not set by default.',
    ...renderSection(schema, { indent: '', first: '' }),
  ];
  return `${lines.join('\n')}\n`;
}

interface Position {
  readonly indent: string;
  /** The indentation of the first key: of a list's item it holds the dash. */
  readonly first: string;
}

function renderSection(parent: Section, { indent, first }: Position): readonly string[] {
  return Object.entries(parent.keys).flatMap(([name, node], index) => {
    const lead = index === 0 ? first : indent;
    const gap = index === 0 ? [] : [''];
    if (node.kind === 'entry') return [...gap, ...renderEntry(name, node, { indent, lead })];
    if (node.kind === 'listing' && node.least === 0) {
      return ['', ...yamlComment(node.about, indent), ...renderIdle(name, node, indent)];
    }
    const head = ['', ...yamlComment(node.about, indent), `${indent}${name}:`];
    const deeper = `${indent}  `;
    if (node.kind === 'section') {
      return [...head, ...renderSection(node, { indent: deeper, first: deeper })];
    }
    const inner = { indent: `${deeper}  `, first: `${deeper}- ` };
    return [...head, ...renderSection(node.each, inner)];
  });
}

/** A list that may be empty: what an item would look like. */
function renderIdle(name: string, { each }: Listing, indent: string): readonly string[] {
  const lines = [`${name}:`, ...renderSection(each, { indent: '    ', first: '  - ' })];
  return lines.map((line) => (line === '' ? '' : `${indent}# ${line}`));
}

function renderEntry(
  name: string,
  entry: Entry<unknown>,
  { indent, lead }: { readonly indent: string; readonly lead: string },
): readonly string[] {
  const doc = yamlComment(entry.doc, ' '.repeat(lead.length).slice(lead.includes('-') ? 2 : 0));
  const value = entry.shown ?? entry.default ?? entry.example;
  if (entry.shown !== null && entry.format.item !== undefined) {
    const items = splitItems(value).map((item) => `${indent}  - ${yamlScalar(item)}`);
    return [...doc, `${lead}${name}:`, ...items];
  }
  if (entry.shown !== null) return [...doc, `${lead}${name}: ${yamlScalar(value)}`];
  const note = entry.default === null ? '  # for example' : '';
  return [...doc, `${lead}# ${name}: ${yamlScalar(value)}${note}`];
}
