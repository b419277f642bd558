/** Pieces of YAML text: scalars and wrapped comments. Written so that `yaml.ts` reads them back. */

/** The text as a scalar, in quotes where it could be read as anything else. */
export function yamlScalar(text: string): string {
  const isPlain = /^[A-Za-z0-9/]([A-Za-z0-9._/:@+-]*[A-Za-z0-9._/@+-])?$/.test(text);
  // A plain null is no text but nothing. JSON text in quotes is YAML text in quotes.
  return isPlain && text.toLowerCase() !== 'null' ? text : JSON.stringify(text);
}

/** A flow list on one line. */
export function yamlList(items: readonly string[]): string {
  return `[${items.map(yamlScalar).join(', ')}]`;
}

// Narrower than the widest line of the file, which is what a terminal in a rack shows.
const widthOfComment = 92;

/** Comment lines with the words of a text. */
export function yamlComment(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > widthOfComment && line !== `${indent}#`) {
      lines.push(line);
      line = `${indent}#`;
    }
    line = `${line} ${word}`;
  }
  return [...lines, line];
}
