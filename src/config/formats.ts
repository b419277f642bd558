/**
 * Formats of settings: text in, value out, or one Failure whose message is the reason alone (the
 * caller knows key, value and place). Values are numbers, booleans, texts or lists of texts.
 */
import { Failure } from '../core/errors.ts';
import { formatBytes, formatDuration, parseDuration, parseSize } from '../core/units.ts';

export interface Format<T> {
  /** What is allowed, in words. Also the identity of the format: equal names, equal rules. */
  readonly name: string;
  readonly example: string;
  /** Must accept its own result when that is a text. */
  readonly parse: (text: string) => T;
  /** All that there are, where there are few. */
  readonly values?: readonly string[];
  /** Set for lists: the format of each item between the commas. */
  readonly item?: Format<string>;
}

export function refuse(reason: string): never {
  throw new Failure('config-invalid', reason);
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

export function integer({ min, max }: Range): Format<number> {
  const range = `from ${min} to ${max}`;
  return {
    name: `whole number ${range}`,
    example: String(Math.max(min, 1)),
    parse: (text) => {
      if (!/^\d{1,15}$/.test(text)) refuse('must be a whole number, digits only');
      return within(Number(text), { min, max }, range);
    },
  };
}

/** Milliseconds. The limits are part of the name because they are part of the promise. */
export function duration({ min, max }: Range): Format<number> {
  const range = `from ${formatDuration(min)} to ${formatDuration(max)}`;
  return {
    name: `duration ${range}`,
    example: '1h30m',
    parse: (text) => within(parseDuration(text), { min, max }, range),
  };
}

/** Bytes. */
export function size({ min, max }: Range): Format<number> {
  const range = `from ${formatBytes(min)} to ${formatBytes(max)}`;
  return {
    name: `size ${range}`,
    example: '8GiB',
    parse: (text) => within(parseSize(text), { min, max }, range),
  };
}

export const truth: Format<boolean> = {
  name: 'true or false',
  example: 'true',
  parse: (text) => {
    if (text !== 'true' && text !== 'false') refuse('must be true or false');
    return text === 'true';
  },
};

export function choice<const T extends string>(values: readonly T[]): Format<T> {
  const words = values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`;
  return {
    name: words,
    example: values[0] ?? '',
    values,
    parse: (text) => values.find((value) => value === text) ?? refuse(`must be ${words}`),
  };
}

export interface Pattern {
  readonly name: string;
  readonly example: string;
  readonly pattern: RegExp;
  readonly reason: string;
}

export function matching({ name, example, pattern, reason }: Pattern): Format<string> {
  return { name, example, parse: (text) => (pattern.test(text) ? text : refuse(reason)) };
}

/** A name that is safe in paths, labels and log lines. */
export function nameLike(example: string): Format<string> {
  return matching({
    name: 'name of letters, digits, ".", "_" and "-"',
    example,
    pattern: /^[A-Za-z0-9._-]{1,63}$/,
    reason: 'must be 1 to 63 letters, digits, ".", "_" or "-"',
  });
}

/** Items separated by commas; at least one. */
export function listOf(item: Format<string>, name: string): Format<readonly string[]> {
  return {
    name,
    example: item.example,
    item,
    parse: (text) => splitItems(text).map((part) => item.parse(part)),
  };
}

export function splitItems(text: string): readonly string[] {
  return text.split(',').map((part) => part.trim());
}

function within(value: number, { min, max }: Range, range: string): number {
  if (value < min || value > max) refuse(`must be ${range}`);
  return value;
}
