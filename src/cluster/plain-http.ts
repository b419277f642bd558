/** Plain HTTP to an etcd that this program has started itself: on a port or on a unix socket. */
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { Failure } from '../core/errors.ts';

export interface Asked {
  /** `http://127.0.0.1:2381`, or the path of a socket. */
  readonly at: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Longest time until the whole answer is here. */
  readonly limitMs: number;
  readonly method?: 'GET' | 'POST';
  readonly signal?: AbortSignal | undefined;
}

export interface Answered {
  readonly status: number;
  readonly text: string;
}

/** Rejects when nobody answers in time (`timed-out`), and when the signal aborts. */
export function askHttp(asked: Asked): Promise<Answered> {
  const { at, path, method = 'GET', body = '', limitMs, signal } = asked;
  // Told in any case: with GET it would not be, and then a body is not read.
  const headers = { ...asked.headers, 'content-length': Buffer.byteLength(body) };
  // A connection for each question: none is left open when the server ends.
  const options = { ...placeOf(at), method, path, headers, agent: false };
  return new Promise((resolve, reject) => {
    const sent = request(options, (reply) => {
      readText(reply).then((text) => resolve({ status: reply.statusCode ?? 0, text }), reject);
    });
    const late = () => sent.destroy(new Failure('timed-out', `no answer in ${limitMs} ms`));
    const timer = setTimeout(late, limitMs);
    const onAbort = () => sent.destroy(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    sent.on('error', reject);
    sent.once('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    });
    if (signal?.aborted) onAbort();
    else sent.end(body);
  });
}

function placeOf(at: string): RequestOptions {
  if (at.startsWith('/')) return { socketPath: at };
  const { hostname, port } = new URL(at);
  return { hostname, port };
}

async function readText(reply: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of reply.setEncoding('utf8')) text += chunk;
  return text;
}
