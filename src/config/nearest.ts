/** "Did you mean": the known name that an unknown one was most likely meant to be. */

/** The closest known key, or undefined where guessing would mislead. */
export function nearestKey(unknown: string, known: readonly string[]): string | undefined {
  const siblings = known.filter((key) => parentOf(key) === parentOf(unknown));
  const sibling = nearestName(leafOf(unknown), siblings.map(leafOf));
  if (sibling !== undefined) return siblings.find((key) => leafOf(key) === sibling);
  const leaf = leafOf(unknown).toLowerCase();
  const elsewhere = known.filter((key) => leafOf(key).toLowerCase() === leaf);
  // The same name in two other places tells nothing about which was meant.
  if (elsewhere.length === 1) return elsewhere[0];
  return nearestName(unknown, known);
}

/** The closest known name by edit distance; one that only continues the other counts as close. */
export function nearestName(unknown: string, known: readonly string[]): string | undefined {
  const word = unknown.toLowerCase();
  const limit = Math.max(1, Math.floor(word.length / 3));
  const scored = known.map((name) => ({ name, score: score(word, name.toLowerCase()) }));
  const best = scored.toSorted((one, other) => one.score - other.score)[0];
  return best !== undefined && best.score <= limit ? best.name : undefined;
}

function score(word: string, name: string): number {
  const continues = word.length >= 3 && (name.startsWith(word) || word.startsWith(name));
  return Math.min(continues ? 1 : Number.POSITIVE_INFINITY, editDistance(word, name));
}

/** Insertions, deletions, replacements and swaps of neighbours, each counted as one. */
function editDistance(from: string, to: string): number {
  const table = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const cell = (row: number, column: number) => table[row]?.[column] ?? 0;
  for (let row = 1; row <= from.length; row += 1) {
    table.push([row]);
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      table[row]?.push(
        Math.min(
          cell(row - 1, column) + 1,
          cell(row, column - 1) + 1,
          cell(row - 1, column - 1) + (same ? 0 : 1),
          swapped ? cell(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return cell(from.length, to.length);
}

function leafOf(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

function parentOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('.')));
}
