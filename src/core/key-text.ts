/** Keys of etcd are bytes; people read and write texts. */

/**
 * A key for people: as it is where it is plain text, else quoted, with `\xNN` for every byte that
 * is no printable ASCII. A key must not be able to write on a terminal, or to look like another.
 */
export function keyText(key: Uint8Array): string {
  const text = utf8Text(key);
  if (text !== undefined && /^[^\p{C}\p{Z}"]+$/u.test(text)) return text;
  const quoted = Array.from(key, (byte) => {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === '\\') return `\\${character}`;
    const isPrintable = byte >= 0x20 && byte < 0x7f;
    return isPrintable ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `"${quoted.join('')}"`;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text whose UTF-8 these very bytes are; undefined when there is none. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
