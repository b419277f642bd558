/**
 * Our own door to etcd: gRPC over bare HTTP/2, for the calls where etcd3 is in the way, and twice
 * as fast with its large windows. Every call has a connection of its own, so certificates that
 * rotate and members that restart need no care.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { isIP } from 'node:net';
import { Failure } from '../../core/errors.ts';
import { clusterFailure } from '../failures.ts';
import type { TlsMaterial } from '../tls.ts';

export interface DoorCall {
  /** `https://host:port` or `http://host:port`. */
  readonly endpoint: string;
  readonly tls: TlsMaterial | undefined;
  /** `/etcdserverpb.Maintenance/Snapshot` */
  readonly method: string;
  /** The protobuf message. */
  readonly request: Uint8Array;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
}

/** With 64 KiB, the default, a stream waits for the network most of its time. */
const windowBytes = 2 * 1024 * 1024;
/** What may wait here before the stream is told to pause. */
const queueLimitBytes = 1024 * 1024;

/**
 * The bytes of the answer in batches, as they come. Ends only after the server's status OK; else
 * throws its failure, `stream-broken` when the connection ended before a status, or the signal's
 * reason. Leaving the iteration cancels the call.
 */
export async function* callDoor(call: DoorCall): AsyncGenerator<Uint8Array[], void, undefined> {
  call.signal.throwIfAborted();
  const session = openSession(call);
  try {
    const answer = new Answer(session, call);
    yield* answer.batches();
  } finally {
    session.destroy();
  }
}

function openSession({ endpoint, tls }: DoorCall): ClientHttp2Session {
  try {
    const session = connect(endpoint, {
      settings: { initialWindowSize: windowBytes, enablePush: false },
      ...(tls === undefined ? {} : tlsOptions(tls, endpoint)),
    });
    session.once('connect', () => session.setLocalWindowSize(windowBytes));
    return session;
  } catch (error) {
    throw clusterFailure(error, endpoint);
  }
}

function tlsOptions({ ca, client, serverName }: TlsMaterial, endpoint: string): object {
  const host = new URL(endpoint).hostname.replace(/^\[|\]$/g, '');
  // An address must not be sent as a name; the certificate is checked against it all the same.
  const servername = serverName ?? (isIP(host) === 0 ? host : '');
  return { ca, ...client, servername, ALPNProtocols: ['h2'], minVersion: 'TLSv1.2' };
}

/** One call's answer: events on one side, batches on the other. */
class Answer {
  readonly #call: DoorCall;
  readonly #stream: ClientHttp2Stream;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #status: { readonly code: number; readonly message: string } | undefined;
  #ended = false;
  #failure: Failure | undefined;
  #wake: () => void = () => undefined;
  #isWaking = false;

  constructor(session: ClientHttp2Session, call: DoorCall) {
    this.#call = call;
    session.on('error', (error) => this.#fail(clusterFailure(error, call.endpoint)));
    this.#stream = session.request(headersOf(call));
    this.#listen(this.#stream);
    this.#stream.end(frame(call.request));
  }

  async *batches(): AsyncGenerator<Uint8Array[], void, undefined> {
    const { signal } = this.#call;
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal.throwIfAborted();
        if (this.#queued > 0) yield this.#takeQueue();
        else if (this.#failure !== undefined) throw this.#failure;
        else if (this.#ended) return this.#requireGood();
        else await this.#change();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on('response', (headers) => this.#readHead(headers));
    stream.on('trailers', (headers) => this.#readStatus(headers));
    stream.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    stream.on('error', (error) => this.#fail(clusterFailure(error, this.#call.endpoint)));
    stream.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  #receive(chunk: Uint8Array): void {
    this.#queue.push(chunk);
    this.#queued += chunk.byteLength;
    if (this.#queued > queueLimitBytes) this.#stream.pause();
    this.#wakeForBatch();
  }

  /** When everything that the socket holds has been taken, not once for each of its frames. */
  #wakeForBatch(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    setImmediate(() => {
      this.#isWaking = false;
      this.#wake();
    });
  }

  #takeQueue(): Uint8Array[] {
    const batch = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    if (this.#stream.isPaused()) this.#stream.resume();
    return batch;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #readHead(headers: Record<string, unknown>): void {
    this.#readStatus(headers);
    const http = headers[constants.HTTP2_HEADER_STATUS];
    if (http === 200 || this.#status !== undefined) return;
    this.#fail(clusterFailure(new Error(`HTTP status ${http}`), this.#call.endpoint));
  }

  /** An answer without a body has its status in the head: gRPC calls it trailers-only. */
  #readStatus(headers: Record<string, unknown>): void {
    const code = headers['grpc-status'];
    if (code === undefined) return;
    const message = String(headers['grpc-message'] ?? '');
    this.#status = { code: Number(code), message: decodeMessage(message) };
  }

  #fail(failure: Failure): void {
    this.#failure ??= failure;
    this.#wake();
  }

  #requireGood(): void {
    const { endpoint } = this.#call;
    if (this.#status === undefined) {
      throw new Failure('stream-broken', `${endpoint}: the connection ended before its answer did`);
    }
    if (this.#status.code === 0) return;
    const { code, message } = this.#status;
    throw clusterFailure(Object.assign(new Error(message), { code }), endpoint);
  }
}

function headersOf({ method, token }: DoorCall): Record<string, string> {
  return {
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: method,
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
    ...(token === undefined ? {} : { token }),
  };
}

/** gRPC's frame around a message: not compressed, length in four bytes. */
function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(5 + message.byteLength);
  framed.writeUInt32BE(message.byteLength, 1);
  framed.set(message, 5);
  return framed;
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
