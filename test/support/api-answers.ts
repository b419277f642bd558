/** Holds answers of the admin API against its own document, more strictly than the document does. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly { readonly bearer?: readonly string[] }[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content: Content }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}

type Content = Readonly<Record<string, { readonly schema?: object }>>;

export interface Given {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Tells what of an answer is not as the document says; empty: nothing. */
export function answerCheck(document: ApiDocument): (given: Given) => string[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { 'date-time': isTime } });
  ajv.addSchema({ $id: 'api', components: closed(document.components) });
  const known = new Map<object, ValidateFunction>();
  const faultsOf = (schema: object, value: unknown): string[] => {
    const check = known.get(schema) ?? ajv.compile(closed(anchored(schema)) as object);
    known.set(schema, check);
    if (check(value)) return [];
    return (check.errors ?? []).map(({ instancePath, message, params }) => {
      return `${instancePath || '/'} ${message} ${JSON.stringify(params)}`;
    });
  };
  const problem = { $ref: '#/components/schemas/Problem' };
  return ({ method, path, status, contentType, body }) => {
    const operation = operationOf(document, method, path);
    const isProblem = contentType === 'application/problem+json';
    if (method === 'HEAD' && body === '' && operation === undefined) return [];
    if (operation === undefined) {
      // Nobody promised anything of a call that does not exist but a problem.
      return isProblem ? faultsOf(problem, JSON.parse(body)) : [`${status} is no problem`];
    }
    const response = operation.responses[status];
    if (response === undefined) return [`${status} is not in the document`];
    const type = contentType.split(';', 1)[0] ?? '';
    const content = response.content[type];
    if (content === undefined) return [`${status} is ${type}, which is not in the document`];
    if (method === 'HEAD') return body === '' ? [] : ['HEAD has a body'];
    return content.schema === undefined ? [] : faultsOf(content.schema, JSON.parse(body));
  };
}

/** The operation that a path of a request is for; a path that is written in full goes first. */
export function operationOf(
  document: ApiDocument,
  method: string,
  path: string,
): Operation | undefined {
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
  const parts = path.split('/');
  const found = Object.entries(document.paths).find(([pattern, operations]) => {
    const wanted = pattern.split('/');
    const matches = wanted.every((part, at) =>
      part.startsWith('{') ? parts[at] !== '' : part === parts[at],
    );
    return wanted.length === parts.length && matches && operations[verb] !== undefined;
  });
  return found?.[1][verb];
}

const anchored = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components'));

/** With nothing in an object but what is named: a key that nobody described shows. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.entries(schema).map(([key, value]) => [key, closed(value)]);
  const made = Object.fromEntries(inner);
  const isShape = made['type'] === 'object' && made['properties'] !== undefined;
  const isOpen = isShape && Object.keys(made['properties']).join() === 'result';
  return isShape && !isOpen ? { additionalProperties: false, ...made } : made;
}

function isTime(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(text) && !Number.isNaN(Date.parse(text))
  );
}
