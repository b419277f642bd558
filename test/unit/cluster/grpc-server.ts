/** A real HTTP/2 server that answers gRPC calls as a test tells it to, well or badly. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { frame } from './protobuf-bytes.ts';

/** How the server answers one call. */
export type Script = (call: GrpcCall) => void | Promise<void>;

/** A status and nothing else. */
export const refusing =
  (code: number, text: string): Script =>
  (call) =>
    call.refuse(code, text);

export interface GrpcServerOptions {
  readonly tls?: ServerFiles;
}

/** Paths of PEM files. */
interface ServerFiles {
  readonly cert: string;
  readonly key: string;
  /** Clients must show a certificate of this CA. */
  readonly clientCa?: string;
}

export class GrpcCall {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The body of the request as it came. */
  readonly framed: Buffer;
  /** The message in it. */
  readonly request: Buffer;
  readonly stream: ServerHttp2Stream;
  /** The common name of the client's certificate, if it showed one. */
  readonly shownName: string | undefined;
  /** The code with which the stream was closed, by whichever side. */
  readonly closed: Promise<number>;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, framed: Buffer) {
    this.method = String(headers[constants.HTTP2_HEADER_PATH] ?? '');
    this.headers = headers;
    this.framed = framed;
    this.request = framed.subarray(5);
    this.stream = stream;
    const socket = stream.session?.socket;
    if (socket instanceof TLSSocket) {
      this.shownName = [socket.getPeerCertificate()?.subject?.CN].flat()[0];
    }
    this.closed = new Promise((resolve) => {
      stream.once('close', () => resolve(stream.rstCode ?? 0));
    });
  }

  /** The head, and whatever bytes follow; the answer stays open. */
  send(...bytes: readonly Uint8Array[]): void {
    if (!this.stream.headersSent) {
      this.stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, withTrailers);
    }
    for (const each of bytes) this.stream.write(each);
  }

  /** Ends the answer with a status in the trailers. */
  end(trailers: Readonly<Record<string, string>> = { 'grpc-status': '0' }): void {
    this.send();
    this.stream.once('wantTrailers', () => this.stream.sendTrailers(trailers));
    this.stream.end();
  }

  /** One message and the status OK. */
  answer(body: Uint8Array): void {
    this.send(frame(body));
    this.end();
  }

  /** A status and nothing else, all of it in the head: gRPC's trailers-only. */
  refuse(code: number, text: string): void {
    const head = { ':status': 200, 'content-type': 'application/grpc' };
    const status = { 'grpc-status': String(code), 'grpc-message': text };
    this.stream.respond({ ...head, ...status }, { endStream: true });
  }

  /** The connection is gone, without a word. */
  cut(): void {
    this.stream.session?.destroy();
  }
}

const withTrailers = { waitForTrailers: true };

export class GrpcServer implements AsyncDisposable {
  /** In the order in which they were made. */
  readonly calls: GrpcCall[] = [];
  readonly url: string;
  /** How many clients have connected until now. */
  connections = 0;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(url: string, server: Http2Server) {
    this.url = url;
    this.#server = server;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** One call, also before it has been made. */
  async call(at = 0): Promise<GrpcCall> {
    while (this.calls.length <= at) await once(this.#server, 'called');
    return this.calls[at] as GrpcCall;
  }

  /** Clients break off in many ways here; what matters is what they see themselves. */
  welcome(session: ServerHttp2Session): void {
    this.connections += 1;
    this.#sessions.add(session);
    session.on('error', ignore);
    session.once('close', () => {
      this.#sessions.delete(session);
      this.#server.emit('left');
    });
  }

  async serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, script: Script) {
    stream.on('error', ignore);
    const call = new GrpcCall(stream, headers, await readRequest(stream));
    this.calls.push(call);
    this.#server.emit('called');
    await script(call);
  }

  /** Resolves when no client is connected any more. */
  async untilQuiet(): Promise<void> {
    while (this.#sessions.size > 0) await once(this.#server, 'left');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}

export async function startGrpcServer(
  script: Script,
  { tls }: GrpcServerOptions = {},
): Promise<GrpcServer> {
  const server = tls === undefined ? createServer() : createSecureServer(pem(tls));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const scheme = tls === undefined ? 'http' : 'https';
  const started = new GrpcServer(`${scheme}://127.0.0.1:${port}`, server);
  server.on('session', (session: ServerHttp2Session) => started.welcome(session));
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    started.serve(stream, headers, script).catch(ignore);
  });
  return started;
}

function pem({ cert, key, clientCa }: ServerFiles) {
  const shown = { cert: readFileSync(cert), key: readFileSync(key) };
  if (clientCa === undefined) return shown;
  return { ...shown, ca: readFileSync(clientCa), requestCert: true, rejectUnauthorized: true };
}

async function readRequest(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function ignore(): void {}
