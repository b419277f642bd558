/** The adapter of a drill's etcd, with a small program in the place of etcd. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { etcdProgram } from '../../../src/cluster/scratch.ts';
import type { ScratchPlan } from '../../../src/cluster/scratch-port.ts';
import { clusterId, revision } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { etcdsBelow } from '../../support/drills.ts';

const { signal } = new AbortController();

interface Answer {
  readonly status?: number;
  readonly body?: string;
  /** Waits for ever. */
  readonly silent?: true;
  /** Ends the process instead. */
  readonly ends?: true;
}

type Answers = Readonly<Record<string, Answer>>;

const healthy: Answers = { '/health': { body: '{"health":"true"}' } };

/** Answers on both sockets by path, that of the peers first, and writes down what it was asked. */
const program = `
const { appendFileSync } = require('node:fs');
const { createServer } = require('node:http');
const answers = ANSWERS;
for (const socket of ['peer:1', 'client:1']) {
  createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { status = 200, body: reply = '', silent, ends } = answers[request.url] ?? { status: 404 };
    const cluster = request.headers['x-etcd-cluster-id'] ?? '-';
    const asked = [socket, request.method, request.url, cluster, body].join(' ');
    if (request.url !== '/health') appendFileSync('asked', asked + '\\n');
    if (ends) process.exit(1);
    if (!silent) response.writeHead(status).end(reply);
  }).listen(socket);
}
`;

interface Ground extends Disposable {
  readonly plan: ScratchPlan;
  readonly binary: string;
  asked(): string[];
}

function ground(script: string): Ground {
  const folder = mkdtempSync(join(tmpdir(), 'etcd-backupd-program-'));
  const binary = join(folder, 'etcd');
  writeFileSync(binary, `#!${process.execPath}\n${script}`, { mode: 0o755 });
  const cluster = clusterId('0b5');
  return {
    binary,
    plan: { folder, dataDir: join(folder, 'data'), cluster, startLimitMs: 5000 },
    asked: () => readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function answering(answers: Answers): Ground {
  return ground(program.replace('ANSWERS', JSON.stringify({ ...healthy, ...answers })));
}

function hashAnswer(body: string): Ground {
  return answering({ '/members/hashkv': { body } });
}

describe.concurrent('the etcd of a drill', () => {
  test('is asked for its hash as a member asks, with the id as etcd writes it', async () => {
    using on = hashAnswer('{"hash":7,"compact_revision":20}');
    const { binary, plan, asked } = on;
    await using etcd = await etcdProgram(binary).serve(plan, { signal });

    const answer = await etcd.hashKv(revision(43n), { signal });

    expect(answer).toEqual({ hash: 7, compactRevision: 20n });
    expect(asked()).toEqual(['peer:1 GET /members/hashkv b5 {"revision":43}']);
  });

  test('that was never compacted says so with a number below zero', async () => {
    using on = hashAnswer('{"hash":7,"compact_revision":-1}');
    const { binary, plan } = on;
    await using etcd = await etcdProgram(binary).serve(plan, { signal });

    const answer = await etcd.hashKv(revision(43n), { signal });

    expect(answer).toEqual({ hash: 7, compactRevision: undefined });
  });

  test.each([
    ['{"header":{},"count":"31"}', 31],
    ['{"header":{}}', 0],
  ])('counts its keys at a revision: %s', async (body, count) => {
    using on = answering({ '/v3/kv/range': { body } });
    const { binary, plan, asked } = on;
    await using etcd = await etcdProgram(binary).serve(plan, { signal });

    expect(await etcd.countKeys(revision(43n), { signal })).toBe(count);

    const wanted = '{"key":"AA==","range_end":"AA==","revision":"43","count_only":true}';
    expect(asked()).toEqual([`client:1 POST /v3/kv/range - ${wanted}`]);
  });

  test.each([
    ['lacks the revision', { status: 400, body: 'required revision is a future' }, 'revision-una'],
    ['refuses', { status: 412, body: 'cluster ID mismatch' }, 'etcd-start'],
    ['ends', { ends: true }, 'etcd-start'],
    ['does not answer', { silent: true }, 'timed-out'],
  ] as [string, Answer, string][])('that %s is told by its code', async (_, answer, code) => {
    using on = answering({ '/members/hashkv': answer });
    const { binary, plan } = on;
    const limited = { ...plan, startLimitMs: 3000 };
    await using etcd = await etcdProgram(binary).serve(limited, { signal });

    const asked = etcd.hashKv(revision(43n), { signal });

    await expect(asked).rejects.toMatchObject({ code: expect.stringContaining(code) });
  });

  test('ends with its disposal', async () => {
    using on = answering({});
    const { binary, plan } = on;
    const etcd = await etcdProgram(binary).serve(plan, { signal });
    const running = etcdsBelow(plan.folder);

    await etcd[Symbol.asyncDispose]();

    expect(running).toHaveLength(1);
    expect(etcdsBelow(plan.folder)).toEqual([]);
  });

  test.each([
    ['ends', 'console.error("panic: no such thing"); process.exit(2)', /panic: no such thing/],
    ['never serves', 'setInterval(() => undefined, 1000)', /was not healthy after 1500 ms/],
  ])('that %s instead of serving is told, and gone', async (_, script, said) => {
    using on = ground(script);
    const { binary, plan } = on;

    const served = etcdProgram(binary).serve({ ...plan, startLimitMs: 1500 }, { signal });

    await expect(served).rejects.toMatchObject({
      code: 'etcd-start',
      message: expect.stringMatching(said),
    });
    expect(etcdsBelow(plan.folder)).toEqual([]);
  });

  test('is gone when its start is aborted', async () => {
    using on = ground('setInterval(() => undefined, 1000)');
    const { binary, plan } = on;
    const abort = new AbortController();
    const stopped = new Failure('stopped', 'the daemon is stopping');

    const served = etcdProgram(binary).serve(plan, { signal: abort.signal });
    setTimeout(() => abort.abort(stopped), 200);

    await expect(served).rejects.toBe(stopped);
    expect(etcdsBelow(plan.folder)).toEqual([]);
  });
});

describe.concurrent('the version of an etcd program', () => {
  test.each([
    ['etcd Version: 3.5.30\nGit SHA: abc', '3.5.30'],
    ['etcd Version: 3.6.0-rc.1', '3.6.0-rc.1'],
  ])('is read from what it says: %s', async (said, version) => {
    using on = ground(`console.log(${JSON.stringify(said)})`);
    const { binary } = on;

    expect(await etcdProgram(binary).version({ signal })).toBe(version);
  });

  test.each([
    ['fails', 'process.exit(3)', /cannot be run: Command failed/],
    ['is another program', 'console.log("hello")', /is no etcd: it does not tell its version/],
  ])('is not known when it %s', async (_, script, said) => {
    using on = ground(script);
    const { binary } = on;

    await expect(etcdProgram(binary).version({ signal })).rejects.toMatchObject({
      code: 'etcd-start',
      message: expect.stringMatching(said),
    });
  });
});
