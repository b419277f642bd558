/** Calls of the admin API, made from its own document: right ones, and ones that must be refused. */
import fc from 'fast-check';
import type { ApiDocument, Operation, Parameter } from './api-answers.ts';
import { bearer, type RawCall, tokens } from './api-place.ts';

type Schema = Readonly<Record<string, unknown>>;

export interface Known {
  readonly document: ApiDocument;
  /** Ids of backups and of nothing, to fill in. */
  readonly backups: readonly string[];
  readonly root: string;
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  readonly scope: keyof typeof tokens | undefined;
}

export interface Asked extends RawCall {
  /** What is wrong with it; undefined: nothing. */
  readonly fault: string | undefined;
}

export function routesOf({ paths }: ApiDocument): readonly Route[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const scope = operation.security[0]?.bearer?.[0] as Route['scope'];
      return { method: method.toUpperCase(), path, operation, scope };
    }),
  );
}

/** A value of a schema; only with what the schemas of this API use. */
export function madeOf(schema: Schema): fc.Arbitrary<unknown> {
  const { const: only, enum: words, anyOf, type, pattern } = schema;
  if (only !== undefined) return fc.constant(only);
  if (Array.isArray(words)) return fc.constantFrom(...words);
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((one) => madeOf(one as Schema)));
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer') {
    const { minimum = 0, maximum = 2 ** 31 } = schema as { minimum?: number; maximum?: number };
    return fc.integer({ min: minimum, max: maximum });
  }
  if (type === 'array') {
    return fc.array(madeOf(schema['items'] as Schema), { minLength: 1, maxLength: 3 });
  }
  if (type === 'object') return objectOf(schema);
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern, 'u'));
  return fc.string({ minLength: 1, maxLength: 40 });
}

function objectOf(schema: Schema): fc.Arbitrary<object> {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  const made = Object.entries(properties).map(([key, one]) => [key, madeOf(one)]);
  const fields: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(made);
  return fc.record(fields, { requiredKeys: required });
}

const enough: Record<string, readonly (keyof typeof tokens)[]> = {
  read: ['read', 'operate', 'restore'],
  operate: ['operate', 'restore'],
  restore: ['restore'],
};

/** A call that is right in form; whether there is what it names is another question. */
export function rightCall(known: Known): fc.Arbitrary<Asked> {
  return fc
    .constantFrom(...routesOf(known.document))
    .chain((route) =>
      fc.record({
        route: fc.constant(route),
        path: pathOf(route, known),
        query: queryOf(route),
        body: bodyOf(route, known),
        token: fc.constantFrom(...(enough[route.scope ?? 'read'] ?? [])),
        head: fc.boolean(),
      }),
    )
    .map(({ route, path, query, body, token, head }) => ({
      method: route.method === 'GET' && head ? 'HEAD' : route.method,
      target: `${path}${query}`,
      headers: [bearer(tokens[token]), ...(body === undefined ? [] : [json])],
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      fault: undefined,
    }));
}

export const json = 'Content-Type: application/json';

function pathOf({ path, operation }: Route, { backups }: Known): fc.Arbitrary<string> {
  const inPath = (operation.parameters ?? []).filter((one) => one.in === 'path');
  const ids = inPath.map(
    ({ schema }): fc.Arbitrary<unknown> =>
      path.startsWith('/v1/backups')
        ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...backups) }, madeOf(schema))
        : madeOf(schema),
  );
  return fc.tuple(...ids).map((values: readonly unknown[]) => {
    const left = [...values];
    return path.replaceAll(/\{\w+\}/g, () => String(left.shift()));
  });
}

function queryOf({ operation }: Route): fc.Arbitrary<string> {
  const fields = (operation.parameters ?? []).filter((one) => one.in === 'query');
  if (fields.length === 0) return fc.constant('');
  const values = fields.map((field: Parameter) => [
    field.name,
    field.name === 'store' ? fc.constantFrom('local', 'offsite', 'nowhere') : madeOf(field.schema),
  ]);
  return fc.record(Object.fromEntries(values), { requiredKeys: [] }).map((given) => {
    const text = new URLSearchParams(given as Record<string, string>).toString();
    return text === '' ? '' : `?${text}`;
  });
}

/** A restore never gets to its end: each would leave 64 MB. */
function bodyOf({ operation, path }: Route, { root }: Known): fc.Arbitrary<unknown> {
  const schema = operation.requestBody?.content['application/json']?.schema as Schema | undefined;
  if (schema === undefined) return fc.constantFrom(undefined, {});
  if (path !== '/v1/restores') return objectOf(schema);
  return objectOf(schema).map((body) => ({ ...body, dataDir: `${root}/etcd`, dryRun: true }));
}

/** Text that nobody expects. */
export const junk = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.json(),
);

/** Anything at all, with whatever token. */
export function anyCall(known: Known): fc.Arbitrary<Asked> {
  const path = fc.oneof(
    fc.constantFrom(...Object.keys(known.document.paths)),
    fc.webPath().map((each) => `/${each}`),
    fc.string({ unit: 'binary-ascii' }).map((part) => `/v1/backups/${encodeURI(part)}`),
    junk.map((part) => `/v1/jobs/${encodeURIComponent(Buffer.from(part).toString())}`),
  );
  const query = fc.oneof(
    fc.constant(''),
    fc.webQueryParameters().map((text) => `?${text}`),
  );
  return fc
    .record({
      method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE'),
      path,
      query,
      token: fc.constantFrom(...Object.values(tokens)),
      type: fc.constantFrom(json, 'Content-Type: text/plain', 'X-None: 1'),
      body: fc.option(fc.oneof(fc.json(), junk), { nil: undefined }),
    })
    .map(({ method, path: at, query: asked, token, type, body }) => ({
      method,
      target: `${at}${asked}`.replaceAll(/[^!-~]/g, '+'),
      headers: [bearer(token), type],
      ...(body === undefined ? {} : { body }),
      fault: undefined,
    }));
}
