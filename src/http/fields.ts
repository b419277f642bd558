/**
 * What a call can be given, declared once: the document shows it, and what comes in is read by it,
 * strictly. A field that nobody knows is refused, for its sender believes that it does something.
 */
import { type ClusterId, clusterId } from '../core/backup.ts';
import { type Problem, requestProblem } from './problem.ts';
import type { Schema } from './schema.ts';

export interface Field<T> {
  readonly schema: Schema;
  /** Undefined for what is none; `form` says then what is wrong. */
  readonly read: (value: unknown) => T | undefined;
  readonly form: string;
  /** What holds where it is not given; undefined: it must be. */
  readonly absent: { readonly value: T } | undefined;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

export type Values<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

const faultsTold = 20;

/** All that is wrong is told at once, each with its key. */
export function readFields(
  fields: Fields,
  given: unknown,
): { readonly values: Record<string, unknown> } | { readonly problem: Problem } {
  if (given !== undefined && !isRecord(given)) return refused(['it is no JSON object'], fields);
  const left = new Map(Object.entries(given ?? {}));
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, { read, form, absent }] of Object.entries(fields)) {
    const value = left.has(key) ? read(left.get(key)) : absent?.value;
    if (left.has(key) ? value === undefined : absent === undefined) {
      faults.push(`${key}: ${left.has(key) ? form : 'it is missing'}`);
    }
    left.delete(key);
    values[key] = value;
  }
  for (const key of left.keys()) faults.push(`${shown(key)}: no such field here`);
  return faults.length > 0 ? refused(faults, fields) : { values };
}

function refused(faults: readonly string[], fields: Fields): { readonly problem: Problem } {
  const names = Object.keys(fields).join(', ');
  const hint = names === '' ? 'The call takes no fields.' : `The call takes ${names}.`;
  const told = faults.slice(0, faultsTold).join('; ');
  return { problem: requestProblem('bad-request', told, `${hint} See GET /openapi.json.`) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(key: string): string {
  return JSON.stringify(key.slice(0, 50));
}

const longestName = 100;

/** Of a store; whether there is such a one is not for the fields to say. */
export const storeName: Field<string | undefined> = {
  schema: { type: 'string', minLength: 1, maxLength: longestName, description: 'name of a store' },
  read: (value) =>
    typeof value === 'string' && value !== '' && characters(value) <= longestName
      ? value
      : undefined,
  form: 'not the name of one store',
  absent: { value: undefined },
};

export const clusterName: Field<ClusterId | undefined> = {
  schema: { type: 'string', pattern: '^[0-9a-f]{16}$', description: 'id of a cluster' },
  read: (value) =>
    typeof value === 'string' && /^[0-9a-f]{16}$/.test(value) ? clusterId(value) : undefined,
  form: 'not a cluster id of 16 lower-case hex digits',
  absent: { value: undefined },
};

/** A whole number in a query. */
export function wholeNumber(most: number, usual: number): Field<number> {
  return {
    schema: { type: 'integer', minimum: 1, maximum: most, default: usual },
    read: (value) => {
      const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : 0;
      return number >= 1 && number <= most ? number : undefined;
    },
    form: `not a whole number from 1 to ${most}`,
    absent: { value: usual },
  };
}

/** True or false in a body. */
export function flag(description: string): Field<boolean> {
  return {
    schema: { type: 'boolean', default: false, description },
    read: (value) => (typeof value === 'boolean' ? value : undefined),
    form: 'not true or false',
    absent: { value: false },
  };
}

/** A line for people. */
export function line(longest: number, description: string): Field<string> {
  // In JavaScript and in the document alike: a control character is \x00-\x1f or \x7f.
  const pattern = '^[^\\x00-\\x1f\\x7f]*[^\\s\\x00-\\x1f\\x7f][^\\x00-\\x1f\\x7f]*$';
  const form = new RegExp(pattern, 'u');
  return {
    schema: { type: 'string', minLength: 1, maxLength: longest, pattern, description },
    read: (value) =>
      typeof value === 'string' && form.test(value) && characters(value) <= longest
        ? value.trim()
        : undefined,
    form: `not one line of text of up to ${longest} characters`,
    absent: undefined,
  };
}

/** As JSON schema counts them: not by halves. */
function characters(value: string): number {
  return [...value].length;
}
