/**
 * Events as plain JSON values: bigints as decimal text, dates as ISO text, failures as what a
 * person can use. Every text passes the scrubber.
 */

import { Failure } from '../core/errors.ts';
import type { Event } from '../core/events.ts';
import { isSecretKey, scrubText } from './scrub.ts';

export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

// journald splits lines of more than 48 KiB, and half a line is no JSON.
const longestList = 100;
const deepest = 6;

interface Detail {
  /** With stacks and causes: for whoever hunts a fault, noise for everybody else. */
  readonly stacks: boolean;
}

/** The facts of an event without its kind. */
export function eventFields(event: Event, detail: Detail): { [key: string]: Plain } {
  const { kind: _, ...facts } = event;
  return plainRecord(facts, detail, 0);
}

/** A failure for logs and reports. A fault of our own shows its stack whatever `detail` says. */
export function failureFields(failure: Failure, detail: Detail): { [key: string]: Plain } {
  const { code, message, hint, context } = failure;
  const fields: { [key: string]: Plain } = {
    code,
    message: scrubText(message),
    hint: scrubText(hint),
  };
  if (Object.keys(context).length > 0) fields.context = plainRecord(context, detail, 0);
  if (detail.stacks || code === 'internal') fields.stack = scrubText(stackOf(failure));
  return fields;
}

function plain(value: unknown, detail: Detail, depth: number): Plain {
  if (value instanceof Failure) return failureFields(value, detail);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Error) return scrubText(detail.stacks ? stackOf(value) : value.message);
  if (Array.isArray(value)) return plainList(value, detail, depth);
  switch (typeof value) {
    case 'string':
      return scrubText(value);
    case 'bigint':
      return value.toString();
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : plainRecord(value, detail, depth + 1);
    default:
      return null;
  }
}

function plainList(list: readonly unknown[], detail: Detail, depth: number): Plain {
  const shown = list.slice(0, longestList).map((item) => plain(item, detail, depth + 1));
  if (list.length > longestList) shown.push(`… ${list.length - longestList} more`);
  return shown;
}

function plainRecord(record: object, detail: Detail, depth: number): { [key: string]: Plain } {
  if (depth > deepest) return { cut: true };
  const fields = Object.entries(record).map(([key, value]): [string, Plain] => {
    const hidden = typeof value === 'string' && isSecretKey(key);
    return [key, hidden ? '[secret]' : plain(value, detail, depth)];
  });
  return Object.fromEntries(fields);
}

/** The stack with those of the causes behind it, ten deep at most: causes can form a ring. */
function stackOf(error: Error): string {
  const stacks: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < 10; depth += 1) {
    stacks.push(current.stack ?? current.message);
    current = current.cause;
  }
  return stacks.join('\ncaused by: ');
}
