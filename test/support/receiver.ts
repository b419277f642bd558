/** A server that takes messages over HTTP or HTTPS, and misbehaves when it is told to. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { CertificatePair } from './certificates.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What is done with a request: a status, or a fault. */
export type Conduct =
  | { readonly status: number; readonly text?: string; readonly location?: string }
  /** Takes it and says nothing. */
  | 'stall'
  /** Cuts the connection before an answer. */
  | 'reset'
  /** Answers 200 and then a body that never ends. */
  | 'endless';

export class Receiver implements AsyncDisposable {
  readonly url: string;
  readonly received: Received[] = [];
  /** Of the next requests, in order; behind them all are answered 200. */
  readonly conducts: Conduct[] = [];
  readonly #close: () => Promise<void>;
  #heard: () => void = () => undefined;

  constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  /** Waits for the n-th request, from the start. */
  async until(count: number, limitMs = 60_000): Promise<Received> {
    const late = AbortSignal.timeout(limitMs);
    while (this.received.length < count) {
      if (late.aborted) throw new Error(`only ${this.received.length} of ${count} messages came`);
      const heard = new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
      await Promise.race([heard, once(late, 'abort')]);
    }
    return this.received[count - 1] as Received;
  }

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const { method = '', url: path = '', headers } = request;
    this.received.push({ method, path, headers, body });
    this.#heard();
    conduct(this.conducts.shift() ?? { status: 200 }, response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

function conduct(how: Conduct, response: ServerResponse): void {
  if (how === 'stall') return;
  if (how === 'reset') {
    response.socket?.resetAndDestroy();
  } else if (how === 'endless') {
    response.writeHead(200);
    const timer = setInterval(() => response.write('more'), 5);
    response.once('close', () => clearInterval(timer));
  } else {
    const { status, text = '', location } = how;
    response.writeHead(status, location === undefined ? {} : { location }).end(text);
  }
}

/** Listens on a free port of this host; with a pair, over TLS. */
export async function startReceiver(pair?: CertificatePair): Promise<Receiver> {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    void receiver.take(request, response).catch(() => response.destroy());
  };
  const server =
    pair === undefined
      ? createServer(onRequest)
      : createSecureServer(
          { cert: readFileSync(pair.cert), key: readFileSync(pair.key) },
          onRequest,
        );
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const scheme = pair === undefined ? 'http' : 'https';
  const receiver = new Receiver(`${scheme}://127.0.0.1:${port}`, async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return receiver;
}
