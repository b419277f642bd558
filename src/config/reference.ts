/** The reference of every key as Markdown, rendered from the schema. */
import { type Entry, environmentName, type Listing, type Section } from './entry.ts';
import { schema } from './schema.ts';
import { fileVariable } from './supplied.ts';
import { listingExample } from './tree.ts';

export function configReference(): string {
  return `${[...intro(), ...renderSection(schema, { key: '', depth: 1 })].join('\n')}\n`;
}

const endpoints = ['https://10.0.0.1:2379', 'https://10.0.0.2:2379'];

function intro(): readonly string[] {
  return [
    '# Configuration',
    '',
    'Generated from the schema: `etcd-backupd config` prints it, with an example and the effective',
    'values.',
    '',
    'Every key can be set in three places. A flag holds over an environment variable, that over',
    'the file, that over the default.',
    '',
    '| place | the key `cluster.endpoints` there |',
    '|---|---|',
    `| file (YAML) | \`cluster: { endpoints: [${endpoints.join(', ')}] }\` |`,
    `| environment | \`${environmentName('cluster.endpoints')}=${endpoints.join(',')}\` |`,
    `| flag | \`--cluster.endpoints=${endpoints.join(',')}\` |`,
    '',
    `\`${fileVariable}\` names the file. Any other variable with this prefix, any other key`,
    'and any other flag is an error, and all errors are told at once. Only the variables that',
    'Kubernetes makes for Services are passed over.',
    '',
    '- Durations are numbers with units: `250ms`, `90s`, `1h30m`, `7d`, `2w`. A number without a',
    '  unit is refused, except `0`.',
    '- Sizes are bytes, or numbers with `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024) or `kB`, `MB`,',
    '  `GB`, `TB` (powers of 1000).',
    '- Paths are absolute. Secrets are files with one line; they are read at each use, so',
    '  replacing the file rotates the secret without a restart.',
    '- A running daemon takes a changed configuration over at SIGHUP and `POST /v1/reload`, as a',
    '  whole or not at all. Only `http.enabled`, `http.listen` and the paths in `http.tls` need',
    '  a restart.',
    '- YAML anchors, aliases and tags are refused, and so is a key that is there twice.',
  ];
}

interface Position {
  readonly key: string;
  readonly depth: number;
}

function renderSection(parent: Section, { key, depth }: Position): readonly string[] {
  return Object.entries(parent.keys).flatMap(([name, node]) => {
    const full = key === '' ? name : `${key}.${name}`;
    if (node.kind === 'entry') return renderEntry(node, full);
    const heading = ['', `${'#'.repeat(depth + 1)} ${full}`, '', node.about];
    if (node.kind === 'section') {
      return [...heading, ...renderSection(node, { key: full, depth: depth + 1 })];
    }
    return [...heading, ...renderListing(node, { key: full, depth })];
  });
}

function renderListing(node: Listing, { key, depth }: Position): readonly string[] {
  return [
    '',
    'As a variable or a flag the whole list is written as YAML or JSON on one line, and stands in',
    'place of the list in the file:',
    '',
    '```sh',
    `${environmentName(key)}='${listingExample(node)}'`,
    `etcd-backupd run --${key}='${listingExample(node)}'`,
    '```',
    ...renderSection(node.each, { key: `${key}[]`, depth: depth + 1 }),
  ];
}

function renderEntry(entry: Entry<unknown>, key: string): readonly string[] {
  const value = entry.default === null ? 'not set' : `\`${entry.default}\``;
  const lines = ['', `**\`${key}\`**`, '', entry.doc, '', `- format: ${entry.format.name}`];
  lines.push(`- default: ${entry.required ? 'none, required' : value}`);
  if (entry.example !== entry.default) lines.push(`- example: \`${entry.example}\``);
  // Keys of a list's items have no name of their own outside the list.
  if (!key.includes('[]')) {
    lines.push(`- environment: \`${environmentName(key)}\``, `- flag: \`--${key}\``);
  }
  return lines;
}
