/**
 * Bech32 as age writes its keys (BIP 173, without the limit of 90 characters): a prefix, `1`, data
 * in groups of five bits, and a checksum of six characters.
 */
const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const checksumLength = 6;

export function encodeBech32(prefix: string, data: Uint8Array): string {
  const groups = regroup(data, 8, 5, true) ?? [];
  const sum =
    checksum([...expand(prefix), ...groups, ...Array<number>(checksumLength).fill(0)]) ^ 1;
  const tail = Array.from({ length: checksumLength }, (_, at) => (sum >>> (5 * (5 - at))) & 31);
  return `${prefix}1${[...groups, ...tail].map((group) => alphabet[group]).join('')}`;
}

/** Undefined for what is no bech32 text with this prefix; either case, but not both. */
export function decodeBech32(prefix: string, text: string): Uint8Array | undefined {
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) return undefined;
  const lower = text.toLowerCase();
  const at = lower.lastIndexOf('1');
  if (lower.slice(0, at) !== prefix || lower.length - at - 1 < checksumLength) return undefined;
  const groups = [...lower.slice(at + 1)].map((character) => alphabet.indexOf(character));
  if (groups.includes(-1) || checksum([...expand(prefix), ...groups]) !== 1) return undefined;
  const bytes = regroup(groups.slice(0, -checksumLength), 5, 8, false);
  return bytes && Uint8Array.from(bytes);
}

function expand(prefix: string): number[] {
  const codes = [...prefix].map((character) => character.charCodeAt(0));
  return [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)];
}

function checksum(groups: readonly number[]): number {
  return groups.reduce((sum, group) => {
    const top = sum >>> 25;
    const next = ((sum & 0x1ffffff) << 5) ^ group;
    return generators.reduce((all, one, bit) => ((top >>> bit) & 1 ? all ^ one : all), next);
  }, 1);
}

/** Undefined when what is left over at the end is not zero. */
function regroup(
  data: Iterable<number>,
  from: number,
  to: number,
  pads: boolean,
): number[] | undefined {
  const result: number[] = [];
  let held = 0;
  let bits = 0;
  for (const value of data) {
    held = ((held << from) | value) & 0xfff;
    bits += from;
    while (bits >= to) {
      bits -= to;
      result.push((held >>> bits) & ((1 << to) - 1));
    }
  }
  const rest = (held << (to - bits)) & ((1 << to) - 1);
  if (pads) return bits > 0 ? [...result, rest] : result;
  return bits >= from || rest !== 0 ? undefined : result;
}
