/**
 * Pieces that a JSON format is described with once, for both directions. Reading never throws on
 * bad content: it collects every problem with its place, so that one look tells all of them.
 *
 * Keys that a shape does not know ride along on the decoded object under a symbol. A spread copies
 * them, JSON.stringify and Object.values do not see them, and `encode` writes them out again.
 */
export interface Codec<T> {
  /** The value, or undefined after adding at least one problem. */
  readonly decode: (json: unknown, at: string, problems: string[]) => T | undefined;
  readonly encode: (value: T) => unknown;
}

const unknownKeys: unique symbol = Symbol('unknown keys');

// Deeper than any manifest, and far from what overflows the stack of whoever walks it.
const deepest = 32;

/** A value that `accept` recognises; `expected` completes the sentence "expected ...". */
export function plain<T extends string | number | boolean>(
  expected: string,
  accept: (json: unknown) => json is T,
): Codec<T> {
  return {
    decode: (json, at, problems) => (accept(json) ? json : refuse(json, at, expected, problems)),
    encode: (value) => value,
  };
}

/** Text that `parse` turns into a value; it returns undefined for text it does not take. */
export function parsed<T>(
  expected: string,
  parse: (text: string) => T | undefined,
  print: (value: T) => string,
): Codec<T> {
  return {
    decode: (json, at, problems) => {
      const value = typeof json === 'string' ? parse(json) : undefined;
      return value === undefined ? refuse(json, at, expected, problems) : value;
    },
    encode: print,
  };
}

export function nullable<T>(inner: Codec<T>): Codec<T | null> {
  return {
    decode: (json, at, problems) => (json === null ? null : inner.decode(json, at, problems)),
    encode: (value) => (value === null ? null : inner.encode(value)),
  };
}

export function listOf<T>(inner: Codec<T>): Codec<readonly T[]> {
  return {
    decode: (json, at, problems) => {
      if (!Array.isArray(json)) return refuse(json, at, 'a list', problems);
      const items = json.map((item, index) => inner.decode(item, `${at}[${index}]`, problems));
      return items as T[];
    },
    encode: (items) => items.map(inner.encode),
  };
}

/** An object whose keys are data. */
export function recordOf<T>(inner: Codec<T>): Codec<Readonly<Record<string, T>>> {
  return {
    decode: (json, at, problems) => {
      if (!isObject(json)) return refuse(json, at, 'an object', problems);
      const entries = Object.entries(json).map(([key, value]) => {
        return [key, inner.decode(value, place(at, key), problems)] as const;
      });
      // Object.fromEntries defines properties: a key `__proto__` stays an ordinary key.
      return Object.fromEntries(entries) as Record<string, T>;
    },
    encode: (record) =>
      Object.fromEntries(Object.entries(record).map(([key, value]) => [key, inner.encode(value)])),
  };
}

type Fields<T> = { readonly [K in keyof T]-?: Codec<Exclude<T[K], undefined>> };

/**
 * An object with the given keys, written in the order given here whatever the order in memory.
 * Keys in `optional` may be missing. Unknown keys are kept behind the known ones.
 */
export function shape<T extends object>(
  fields: Fields<T>,
  optional: readonly (keyof T)[] = [],
): Codec<T> {
  const known = Object.entries(fields) as [keyof T & string, Codec<unknown>][];
  return {
    decode: (json, at, problems) => {
      if (!isObject(json)) return refuse(json, at, 'an object', problems);
      const entries: [string, unknown][] = [];
      for (const [key, codec] of known) {
        if (Object.hasOwn(json, key)) {
          entries.push([key, codec.decode(json[key], place(at, key), problems)]);
        } else if (!optional.includes(key)) {
          problems.push(`${place(at, key)} is missing`);
        }
      }
      const rest = Object.entries(json).filter(([key]) => !Object.hasOwn(fields, key));
      for (const [key, value] of rest) demandShallow(value, place(at, key), problems);
      const value = Object.fromEntries(entries);
      return (rest.length === 0 ? value : { ...value, [unknownKeys]: rest }) as T;
    },
    encode: (value) => {
      const entries: [string, unknown][] = [];
      for (const [key, codec] of known) {
        if (value[key] !== undefined) entries.push([key, codec.encode(value[key])]);
      }
      const { [unknownKeys]: rest = [] } = value as { [unknownKeys]?: [string, unknown][] };
      return Object.fromEntries([...entries, ...rest]);
    },
  };
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function place(at: string, key: string): string {
  const name = /^[\w-]{1,60}$/.test(key) ? key : JSON.stringify(key.slice(0, 60));
  return at === '' ? name : `${at}.${name}`;
}

function refuse(json: unknown, at: string, expected: string, problems: string[]): undefined {
  problems.push(`${at === '' ? 'the document' : at} is ${found(json)}, expected ${expected}`);
  return undefined;
}

function found(json: unknown): string {
  if (Array.isArray(json)) return 'a list';
  if (isObject(json)) return 'an object';
  const text = JSON.stringify(json);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function demandShallow(json: unknown, at: string, problems: string[]): void {
  // Level by level instead of recursion: the depth is what is not trusted here.
  let level: unknown[] = [json];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepest) {
      problems.push(`${at} is nested deeper than ${deepest} levels`);
      return;
    }
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
}
