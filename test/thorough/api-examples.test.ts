/** The examples of docs/api.md are executed, in their order, against a real daemon. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiPlace, bearer, type RawCall, tokens } from '../support/api-place.ts';
import { cluster } from '../support/etcd.ts';
import { seed } from '../support/workload.ts';

const root = join(import.meta.dirname, '..', '..');
const reference = readFileSync(join(root, 'docs', 'api.md'), 'utf8');
const [, block = ''] = /^```sh\n([\s\S]*?)^```$/m.exec(reference) ?? [];

/** What curl would send; a word of it that this does not know is a fault of the example. */
function callOf(line: string): RawCall {
  const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    (one) => one[1] ?? one[2] ?? one[3],
  );
  const call = { method: 'GET', target: '', headers: [] as string[], body: undefined as unknown };
  const left = words.slice(1);
  while (left.length > 0) {
    const word = left.shift() ?? '';
    if (word === '-s') continue;
    else if (word === '-X') call.method = left.shift() ?? '';
    else if (word === '-H') call.headers.push(withToken(left.shift() ?? ''));
    else if (word === '--json') {
      call.body = left.shift();
      call.headers.push('Content-Type: application/json');
    } else if (word.startsWith('http://127.0.0.1:9379/')) call.target = word.slice(21);
    else throw new Error(`${word} in: ${line}`);
  }
  const { method, target, headers, body } = call;
  return { method, target, headers, ...(body === undefined ? {} : { body: String(body) }) };
}

function withToken(header: string): string {
  const scope = /^Authorization: Bearer \$\(cat \S+\/(\w+)\)$/.exec(header)?.[1];
  return bearer(tokens[scope as keyof typeof tokens] ?? 'none');
}

test('the examples of docs/api.md work', async () => {
  await using etcd = await cluster('3.5');
  await seed(etcd);
  await using api = await apiPlace(etcd, 3);
  const list = await api.send({
    method: 'GET',
    target: '/v1/backups?store=local',
    headers: [bearer(tokens.read)],
  });
  const oldest = JSON.parse(list.body).backups.at(-1).id;
  const lines = block.trim().split('\n');
  let job = '';
  const seen: string[] = [];

  for (const line of lines) {
    const call = callOf(line.replace('BACKUP', oldest).replace('JOB', job));
    const { status, body } = await api.send(call);
    expect({ line, body, isDone: status === 200 || status === 202 }).toMatchObject({
      isDone: true,
    });
    job = JSON.parse(body).job?.id ?? job;
    seen.push(call.method);
    if (call.method === 'POST') await api.untilIdle();
  }

  expect(lines.length).toBeGreaterThan(7);
  expect(new Set(seen)).toEqual(new Set(['GET', 'POST', 'PUT', 'DELETE']));
});
