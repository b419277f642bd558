/** docs/api.md, made from the document of the admin API. */
import type { ApiDocument, Operation, Parameter } from './api-answers.ts';
import { routesOf } from './api-calls.ts';

type Schema = Readonly<Record<string, unknown>>;

const head = `# The admin API

Made from the routes; \`GET /openapi.json\` serves the same as OpenAPI 3.1, with a schema for every
answer. A test asks a running daemon every call of it, and holds the answers against the schemas.

- \`http.listen\` (usually \`127.0.0.1:9379\`) and \`http.tokens\` in the [configuration](configuration.md).
  A token is sent as \`Authorization: Bearer TOKEN\`. \`restore\` may all that \`operate\` may, and that
  all that \`read\` may. Calls that need \`operate\` or \`restore\` are off without such a token.
- Every refusal is a problem (RFC 9457, \`application/problem+json\`): \`code\` is for programs, \`detail\`
  and \`hint\` are for people. Fields that nobody knows are refused. No path of this host but
  \`dataDir\`, and no command, is taken from a call.
- Long work is a job: the answer is 202 with the job, and \`Location\` tells where to look it up. The
  daemon does one at a time; a scrub, a verification, a drill or a heal gives way to a backup that is
  due and is done again after it. A job that \`failed\` tells why in \`problem\`; what came of it all the
  same is in \`outcome\`. All that wait or run are remembered, and about a hundred that have ended, until
  the next start.
- A caller (a token at an address) has 100 calls at once and 50 in a second; an address has 10 wrong
  tokens and then one in a second, and meanwhile no token is looked at; 4 calls read stores at a time.
  Beyond that the answer is 429 or 503 with \`Retry-After\`. Probes and metrics are never refused.
- Every call that would change something is in the log as \`call-made\`, also a refused one: who, what,
  from where, and the status.

## Calls
`;

const examples = `
## Examples

BACKUP and JOB stand for an id. A test executes these lines.

\`\`\`sh
curl -s http://127.0.0.1:9379/openapi.json
curl -s -H "Authorization: Bearer $(cat /etc/etcd-backupd/tokens/read)" "http://127.0.0.1:9379/v1/backups?limit=5"
curl -s -X POST -H "Authorization: Bearer $(cat /etc/etcd-backupd/tokens/operate)" http://127.0.0.1:9379/v1/backups
curl -s -H "Authorization: Bearer $(cat /etc/etcd-backupd/tokens/read)" http://127.0.0.1:9379/v1/jobs/JOB
curl -s -X POST -H "Authorization: Bearer $(cat /etc/etcd-backupd/tokens/operate)" --json '{"deep":true}' http://127.0.0.1:9379/v1/backups/BACKUP/verify
curl -s -X PUT -H "Authorization: Bearer $(cat /etc/etcd-backupd/tokens/operate)" --json '{"reason":"before the upgrade"}' http://127.0.0.1:9379/v1/backups/BACKUP/hold
curl -s -X DELETE -H "Authorization: Bearer $(cat /etc/etcd-backupd/tokens/operate)" http://127.0.0.1:9379/v1/backups/BACKUP/hold
curl -s -H "Authorization: Bearer $(cat /etc/etcd-backupd/tokens/read)" http://127.0.0.1:9379/v1/retention/plan
curl -s -X DELETE -H "Authorization: Bearer $(cat /etc/etcd-backupd/tokens/restore)" http://127.0.0.1:9379/v1/backups/BACKUP
\`\`\`
`;

export function apiReference(document: ApiDocument): string {
  const rows = routesOf(document).map(({ method, path, scope, operation }) => {
    const call = `\`${method} ${path}\``;
    return `| ${call} | ${scope ?? 'none'} | ${operation.summary} | ${fieldsOf(operation)} |`;
  });
  const table = ['| call | scope | what | takes |', '|---|---|---|---|', ...rows];
  return `${head}\n${table.join('\n')}\n${examples}`;
}

function fieldsOf({ parameters = [], requestBody }: Operation): string {
  const query = parameters.filter((one) => one.in === 'query').map(queryField);
  const schema = requestBody?.content['application/json']?.schema as Schema | undefined;
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  const body = Object.keys(properties).map((name) => {
    return `\`${name}\`${required.includes(name) ? ' (needed)' : ''}`;
  });
  const parts = [
    query.length > 0 ? `query: ${query.join(', ')}` : '',
    body.length > 0 ? `body: ${body.join(', ')}` : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function queryField({ name, schema }: Parameter): string {
  const { maximum, default: usual } = schema as { maximum?: number; default?: number };
  return maximum === undefined ? `\`${name}\`` : `\`${name}\` (${usual}, at most ${maximum})`;
}
