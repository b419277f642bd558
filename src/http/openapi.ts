/** The document of the admin API (OpenAPI 3.1), made from the routes and from nothing else. */
import { components } from './answers.ts';
import type { Fields } from './fields.ts';
import { problemTitle, problemType } from './problem.ts';
import type { Reply, Route } from './route.ts';
import { named, type Schema } from './schema.ts';
import { scopes } from './tokens.ts';

const about = {
  title: 'etcd-backupd admin API',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  description:
    'Backups of etcd that are proved, kept, watched and restored. 64-bit numbers are decimal ' +
    'text, times ISO 8601 UTC. Every refusal is a problem (RFC 9457) with a code and a hint. ' +
    `The scopes are ${scopes.join(', ')}; each includes those before it.`,
};

/** What any call may be answered with, whatever it is. */
const usualProblems = [400, 408, 413, 500, 504];
const limited = [429, 503];
const behindDoor = [401, 403, 421];
/** Of calls that have a body, and of those that ask the stores. */
const withBody = [415];
const ofStores = [502];

export function documentOf(routes: readonly Route[], version: string): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  const bearer = { type: 'http', scheme: 'bearer', description: 'A token of http.tokens.' };
  const certificate = { type: 'mutualTLS', description: 'A client certificate of http.clients.' };
  return {
    openapi: '3.1.0',
    info: { ...about, version },
    servers: [{ url: '/' }],
    paths,
    components: { schemas: components, securitySchemes: { bearer, certificate } },
  };
}

function operationOf(route: Route): Schema {
  const { scope, summary, params = {}, query = {} } = route;
  const inPath = Object.entries(params).map(([name, schema]) => {
    return { name, in: 'path', required: true, schema };
  });
  const inQuery = Object.entries(query).map(([name, { schema, absent }]) => {
    return { name, in: 'query', required: absent === undefined, schema };
  });
  const body = bodyOf(route);
  return {
    operationId: operationId(route),
    summary,
    security: securityOf(scope),
    ...(inPath.length + inQuery.length > 0 ? { parameters: [...inPath, ...inQuery] } : {}),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responsesOf(route),
  };
}

function securityOf(scope: Route['scope']): readonly Record<string, readonly string[]>[] {
  if (scope === 'open') return [];
  // Without a read token, whoever reaches a loopback address may read.
  return [{ bearer: [scope] }, { certificate: [scope] }, ...(scope === 'read' ? [{}] : [])];
}

/** `get-v1-backups-id`: stable while the path is. */
function operationId({ method, path }: Route): string {
  return [method.toLowerCase(), ...(path.match(/\w+/g) ?? [])].join('-');
}

function bodyOf({ body }: Route): Schema | undefined {
  if (body === undefined) return undefined;
  const isWhole = 'whole' in body;
  const schema = isWhole ? (body.whole as Schema) : schemaOf(body as Fields);
  const needed = isWhole || Object.values(body as Fields).some(({ absent }) => !absent);
  return { required: needed, content: { 'application/json': { schema } } };
}

function schemaOf(fields: Fields): Schema {
  const named = Object.entries(fields);
  const required = named.filter(([, { absent }]) => absent === undefined).map(([name]) => name);
  const properties = Object.fromEntries(named.map(([name, { schema }]) => [name, schema]));
  return { type: 'object', required, properties, additionalProperties: false };
}

function responsesOf(route: Route): Record<string, Schema> {
  const { scope, method, weight, problems = [], replies } = route;
  const statuses = [
    ...usualProblems,
    ...(weight === 'probe' ? [] : limited),
    ...(scope === 'open' ? [] : behindDoor),
    ...(method === 'GET' ? [] : withBody),
    ...(weight === 'heavy' ? ofStores : []),
    ...problems,
  ];
  const told = Object.entries(replies).map(([status, reply]) => [status, responseOf(reply)]);
  const refused = statuses.map((status) => [String(status), problemResponse(status)]);
  return Object.fromEntries([...refused, ...told]);
}

function responseOf({ description, schema, contentType = 'text/plain', located }: Reply): Schema {
  const content = schema === undefined ? { [contentType]: {} } : { 'application/json': { schema } };
  const headers = { location: { description: 'Where to look.', schema: { type: 'string' } } };
  return { description, ...(located === true ? { headers } : {}), content };
}

function problemResponse(status: number): Schema {
  return {
    description: problemTitle(status),
    content: { [problemType]: { schema: named('Problem') } },
  };
}
