/** What a PromQL query speaks of: enough to find a name, a label or a value that does not exist. */

export interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly values: readonly string[] }[];
}

const words = new Set(['and', 'or', 'unless', 'bool', 'inf', 'nan']);

/** The series that a query selects. */
export function selectorsOf(query: string): Selector[] {
  const plain = query.replaceAll(
    /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g,
    '',
  );
  const found = plain.matchAll(/(?<![\w"$.])([a-zA-Z_:][\w:]*)(\s*\(|\{[^}]*\})?/g);
  const inQuotes = rangesOf(plain);
  return [...found].flatMap((match) => {
    const [, metric = '', after = ''] = match;
    const isText = inQuotes.some(([from, to]) => match.index > from && match.index < to);
    if (isText || after.trim() === '(' || words.has(metric.toLowerCase())) return [];
    return [{ metric, matchers: matchersOf(after) }];
  });
}

/** Labels by which a query groups or joins. */
export function groupingsOf(query: string): string[] {
  const found = query.matchAll(/\b(?:by|on|group_left)\s*\(([^)]*)\)/g);
  return [...found]
    .flatMap(([, list = '']) => list.split(',').map((label) => label.trim()))
    .filter((label) => label !== '');
}

function matchersOf(braces: string): Selector['matchers'] {
  const found = braces.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g);
  return [...found].map(([, label = '', text = '']) => ({ label, values: text.split('|') }));
}

function rangesOf(query: string): [number, number][] {
  const found = query.matchAll(/"[^"]*"|\[[^\]]*\]/g);
  return [...found].map(({ 0: text, index }) => [index - 1, index + text.length]);
}
