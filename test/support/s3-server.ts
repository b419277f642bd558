/**
 * A server that answers S3 requests by a script, for what no real one does when asked to: lost
 * answers, lies and redirects. It keeps nothing and checks nothing.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  /** `PUT /backups/test/a?partNumber=1` */
  readonly line: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
}

export type Script = (request: SeenRequest, answer: ServerResponse, turn: number) => void;

/** `turn` counts the requests from 1. */
export async function scriptedServer(script: Script): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, answer) => {
    void bodyOf(request).then((body) => {
      const { method, url, headers } = request;
      const one = { line: `${method} ${url}`, headers, body };
      seen.push(one);
      script(one, answer, seen.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function refuseWith(
  answer: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  answer.writeHead(status, { 'content-type': 'application/xml', ...headers });
  answer.end(`<Error><Code>${code}</Code><Message>the words of the server</Message></Error>`);
}

export function answerXml(answer: ServerResponse, xml: string): void {
  answer.writeHead(200, { 'content-type': 'application/xml' });
  answer.end(`<?xml version="1.0"?>${xml}`);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
