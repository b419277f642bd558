/** JSON schemas (2020-12), as OpenAPI 3.1 has them: short words for what the document says. */
import { proofNames, proofOutcomes } from '../core/backup.ts';

export type Schema = Readonly<Record<string, unknown>>;

type Properties = Readonly<Record<string, Schema>>;

export const text: Schema = { type: 'string' };
export const truth: Schema = { type: 'boolean' };
export const count: Schema = { type: 'integer', minimum: 0 };
export const amount: Schema = { type: 'number', minimum: 0 };
export const time: Schema = { type: 'string', format: 'date-time' };
export const bytes: Schema = { ...count, description: 'bytes' };
export const millis: Schema = { ...amount, description: 'milliseconds' };
export const hex16: Schema = { type: 'string', pattern: '^[0-9a-f]{16}$' };
export const sha256: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' };
export const digits: Schema = {
  type: 'string',
  pattern: '^[0-9]{1,20}$',
  description: 'decimal text: it may be above 2^53',
};
export const backupId: Schema = {
  type: 'string',
  pattern: '^[0-9]{8}T[0-9]{6}Z-r[0-9]{17,19}(-[a-z0-9]{4})?$',
};
/** Of jobs and restores. */
export const workId: Schema = { type: 'string', pattern: '^[0-9]{8}T[0-9]{6}Z-[a-z0-9]{4}$' };

export const proofName: Schema = oneOf(proofNames);
export const proofOutcome: Schema = oneOf(proofOutcomes);
export const fact: Schema = { type: ['string', 'number', 'boolean'] };

/** Every property is always there, but those that are named. */
export function object(properties: Properties, { but = [] }: { but?: readonly string[] } = {}) {
  const required = Object.keys(properties).filter((key) => !but.includes(key));
  return { type: 'object', required, properties } satisfies Schema;
}

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

export function record(values: Schema, names?: Schema): Schema {
  const keys = names === undefined ? {} : { propertyNames: names };
  return { type: 'object', additionalProperties: values, ...keys };
}

export function oneOf(words: readonly string[]): Schema {
  return { type: 'string', enum: words };
}

/** The same, or null. */
export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** What the document says once and many answers use. */
export function named(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}
