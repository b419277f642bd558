/** A real daemon with every call of its admin API switched on, and raw calls to it. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type ApiDocument, answerCheck } from './api-answers.ts';
import { type RunningDaemon, startDaemonProcess } from './daemon.ts';
import type { TestCluster } from './etcd.ts';
import { type Workplace, workplace } from './house.ts';

export const tokens = {
  read: 'the-token-of-whoever-reads',
  operate: 'the-token-of-whoever-operates',
  restore: 'the-token-of-whoever-restores',
} as const;

export interface RawCall {
  readonly method: string;
  /** With the query, as it goes over the line. */
  readonly target: string;
  /** Lines of the head behind the first, without Host unless it is to be another one. */
  readonly headers?: readonly string[];
  readonly body?: string;
  /** Says with its last byte that nothing comes any more; a server takes that for a farewell. */
  readonly hangsUp?: boolean;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ApiPlace extends AsyncDisposable {
  readonly place: Workplace;
  readonly daemon: RunningDaemon;
  readonly document: ApiDocument;
  /** Below it restores are allowed. */
  readonly root: string;
  send(call: RawCall, from?: string): Promise<RawAnswer>;
  /** What of an answer is not as the document says. */
  faultsOf(call: RawCall, answer: RawAnswer): string[];
  /** Whatever a call could have changed: the stores, the folder of restores, jobs, restores. */
  fingerprint(): Promise<string>;
  /** Resolves when no job waits or runs. */
  untilIdle(): Promise<void>;
}

export const bearer = (token: string): string => `Authorization: Bearer ${token}`;

/** With two stores, which hold `backups` backups each. */
export async function apiPlace(etcd: TestCluster, backups: number): Promise<ApiPlace> {
  const place = workplace(etcd);
  const root = join(place.dir, 'root');
  mkdirSync(root);
  const files = Object.entries(tokens).map(([scope, token]) => {
    const file = join(place.dir, `${scope}-token`);
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    return [`http.tokens.${scope}`, file];
  });
  const folders = ['local', 'offsite'].map((name) => join(place.dir, 'stores', name));
  for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [local, offsite] = folders;
  const stores = [
    { name: 'local', type: 'file', path: local },
    { name: 'offsite', type: 'file', path: offsite },
  ];
  const daemon = await startDaemonProcess(place, {
    settings: {
      ...Object.fromEntries(files),
      stores: JSON.stringify(stores),
      'schedule.cron': '0 0 1 1 *',
      'schedule.catchUp': 'false',
      'retention.keepLast': '8',
      'retention.keepWithin': '0s',
      'retention.minimum': '2',
      'restore.roots': root,
      'drill.etcdBinary': etcd.binaries.etcd,
    },
  });
  const opened = await openPlace(place, daemon, root);
  for (let taken = 1; taken <= backups; taken += 1) {
    const head = [bearer(tokens.operate)];
    await opened.send({ method: 'POST', target: '/v1/backups', headers: head });
    await daemon.until('run-finished', taken);
  }
  await opened.untilIdle();
  return opened;
}

async function openPlace(place: Workplace, daemon: RunningDaemon, root: string): Promise<ApiPlace> {
  const document = (await (await daemon.get('/openapi.json')).json()) as ApiDocument;
  const check = answerCheck(document);
  const port = Number(new URL(daemon.url).port);
  const send = (call: RawCall, from?: string) => sendRaw(port, call, from);
  const read = async (target: string) =>
    JSON.parse((await send({ method: 'GET', target, headers: [bearer(tokens.restore)] })).body);
  return {
    place,
    daemon,
    document,
    root,
    send,
    faultsOf: ({ method, target }, { status, headers, body }) => {
      const path = target.split('?', 1)[0] ?? '';
      return check({ method, path, status, contentType: headers['content-type'] ?? '', body });
    },
    fingerprint: async () => {
      const { jobs } = await read('/v1/jobs');
      const { restores } = await read('/v1/restores');
      const hash = createHash('sha256').update(JSON.stringify([jobs, restores]));
      for (const folder of [join(place.dir, 'stores'), root]) hash.update(contentOf(folder));
      return hash.digest('hex');
    },
    untilIdle: async () => {
      for (;;) {
        const { jobs } = await read('/v1/jobs');
        const states = jobs.map(({ state }: { state: string }) => state);
        if (!states.includes('queued') && !states.includes('running')) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      place[Symbol.dispose]();
    },
  };
}

/** Names and bytes; the files are small. */
function contentOf(folder: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const content = entry.isFile() ? readFileSync(path) : '';
    return `${path} ${createHash('sha256').update(content).digest('hex')}`;
  });
  return files.sort().join('\n');
}

/** On a connection of its own, byte for byte as it is given. */
async function sendRaw(port: number, call: RawCall, from = someAddress()): Promise<RawAnswer> {
  const { method, target, headers = [], body } = call;
  const host = headers.some((line) => /^host:/i.test(line)) ? [] : ['Host: localhost'];
  const isSized = headers.some((line) => /^(content-length|transfer-encoding):/i.test(line));
  const size = body === undefined || isSized ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [`${method} ${target} HTTP/1.1`, ...host, 'Connection: close', ...headers, ...size];
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  // The server may close before it has read all: what it said until then counts.
  socket.on('error', () => undefined);
  socket.write(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`);
  if (call.hangsUp === true) socket.end();
  return parseAnswer(await heardOn(socket));
}

/**
 * All that comes, and of an answer that goes on what comes first. Taken as it comes: a server that
 * has not read all may answer and then break the connection off.
 */
function heardOn(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      heard += chunk;
      if (/^content-type: text\/event-stream\r$[\s\S]*\r\n\r\n/im.test(heard)) socket.destroy();
    });
    socket.on('close', () => resolve(heard));
  });
}

/** Of this machine: callers are told apart by their addresses, and each has limits of its own. */
function someAddress(): string {
  const part = () => 1 + Math.floor(Math.random() * 250);
  return `127.${part()}.${part()}.${part()}`;
}

function parseAnswer(raw: string): RawAnswer {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const headers = Object.fromEntries(pairs);
  return { status: Number(first.split(' ')[1]), headers, body: rest.join('\r\n\r\n') };
}
