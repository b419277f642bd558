/** Every key of a manifest and what its codec takes, asked of the codec itself. */
import type { Manifest } from '../../src/core/manifest.ts';
import { decodeManifest, encodeManifest } from '../../src/core/manifest-json.ts';
import { sampleManifest } from '../unit/core/sample-manifest.ts';

type Json = null | string | number | boolean | Json[] | { [key: string]: Json };

export interface ManifestKey {
  /** `found.members[].name`; `*` for a name that is data. */
  readonly key: string;
  /** As refusals word it: `64 lower-case hex digits`. */
  readonly value: string;
}

/** Objects whose names are data. */
const records = ['steps', 'labels', 'evidence'];

/** A manifest in which every key has a value, as JSON. */
function filled(): Json {
  const authentication = {
    mac: 'a'.repeat(64),
    signature: { scheme: 'ed25519', key: 'b'.repeat(16), value: `${'A'.repeat(86)}==` },
  } as const;
  // A key that is added and may be missing has to be added here as well.
  const whole: Required<Manifest> = { ...sampleManifest(), authentication };
  return JSON.parse(encodeManifest(whole));
}

type Path = readonly (string | number)[];

function leaves(json: Json, path: Path = []): Path[] {
  if (typeof json !== 'object' || json === null) return [path];
  const entries: [string | number, Json][] = Array.isArray(json)
    ? json.slice(0, 1).map((item) => [0, item])
    : Object.entries(json).slice(0, records.includes(String(path.at(-1))) ? 1 : undefined);
  return entries.flatMap(([name, value]) => leaves(value, [...path, name]));
}

/** The manifest with another value at the path, decoded; what is wrong about it, or nothing. */
function complaintOn(path: Path, value: Json | undefined): string | undefined {
  const json = filled();
  const inside = (at: Json, name: string | number): Json => (at as Json[])[name as number] ?? null;
  const holder = path.slice(0, -1).reduce(inside, json) as Record<string, Json | undefined>;
  // Undefined is left out of the text.
  holder[path.at(-1) ?? ''] = value;
  try {
    decodeManifest(JSON.stringify(json), 'm');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function keyOf(path: Path): string {
  const words = path.map((name, at) => {
    if (typeof name === 'number') return '[]';
    return records.includes(String(path[at - 1])) ? '.*' : `.${name}`;
  });
  return words.join('').slice(1);
}

/** What is there or not as a whole. */
function optionals(json: Json, path: Path = []): ManifestKey[] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return [];
  if (records.includes(String(path.at(-1)))) return [];
  const below = Object.entries(json).flatMap(([name, value]) => optionals(value, [...path, name]));
  if (path.length === 0) return below;
  const orNull = complaintOn(path, null) === undefined ? ', or null' : '';
  const orMissing = complaintOn(path, undefined) === undefined ? ', or missing' : '';
  if (`${orNull}${orMissing}` === '') return below;
  return [{ key: keyOf(path), value: `an object${orNull}${orMissing}` }, ...below];
}

/** In the order of the keys; the five proofs are one. */
export function manifestKeys(): ManifestKey[] {
  const plain = leaves(filled()).map((path) => {
    const [, value = '?'] = / expected (.*)$/.exec(complaintOn(path, {}) ?? '') ?? [];
    const isNullable = complaintOn(path, null) === undefined;
    return { key: keyOf(path), value: `${value}${isNullable ? ', or null' : ''}` };
  });
  return [...plain, ...optionals(filled())]
    .filter(({ key }) => !/^proofs\.(?!received)/.test(key))
    .map(({ key, value }) => ({ key: key.replace(/^proofs\.received/, 'proofs.*'), value }))
    .toSorted((left, right) => (left.key < right.key ? -1 : 1));
}
