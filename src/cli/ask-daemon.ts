/** Asks the daemon on this host by its admin API, over http or https as it is configured. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect as connectPlain } from 'node:net';
import { json } from 'node:stream/consumers';
import { connect as connectSecure, type TLSSocket } from 'node:tls';
import type { HttpConfig } from '../config/config.ts';
import { systemCode } from '../core/errors.ts';

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Where the daemon can be asked: `https://127.0.0.1:9379`. */
export function daemonUrl({ listen, tls }: HttpConfig): string {
  const { host } = reachable(listen);
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${tls === null ? 'http' : 'https'}://${shown}:${listen.port}`;
}

/**
 * Throws where nobody answers, or not in JSON. A token is sent over https only to whoever shows
 * the certificate of `http.tls.cert` and has its key; a question without a token goes to anybody,
 * as an expired certificate is no reason to call the daemon dead.
 */
export async function askDaemon(
  http: HttpConfig,
  { path, token, signal }: { path: string; token?: string | undefined; signal: AbortSignal },
): Promise<Reply> {
  const socket = http.tls === null ? connectPlain(reachable(http.listen)) : secured(http);
  const cut = () => socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', cut, { once: true });
  try {
    signal.throwIfAborted();
    // Before the first byte of the question: the token must not be on its way already.
    await once(socket, http.tls === null ? 'connect' : 'secureConnect');
    if (http.tls !== null && token !== undefined) checkShown(socket as TLSSocket, http.tls.cert);
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const headers = { host: hostHeader(http), connection: 'close', ...authorization };
    const asked = request({ path, headers, createConnection: () => socket }).end();
    // What goes wrong during the answer is told by the answer.
    asked.on('error', () => undefined);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, body: await json(answer) };
  } finally {
    signal.removeEventListener('abort', cut);
    socket.destroy();
  }
}

/** Why the daemon could not be asked, in few words: `ECONNREFUSED`. */
export function silenceOf(thrown: unknown): string {
  return systemCode(thrown) ?? (thrown as Error).message;
}

function secured({ listen }: HttpConfig): TLSSocket {
  // Which authority has signed the certificate is not known here; see checkShown.
  return connectSecure({ ...reachable(listen), rejectUnauthorized: false });
}

function checkShown(socket: TLSSocket, path: string): void {
  const expected = new X509Certificate(readFileSync(path));
  if (socket.getPeerX509Certificate()?.raw.equals(expected.raw) === true) return;
  throw new Error(`shows another certificate than ${path} holds`);
}

function hostHeader(http: HttpConfig): string {
  return new URL(daemonUrl(http)).host;
}

/** An address that means all of the host is for listening; one of them is for asking. */
function reachable({ host, port }: HttpConfig['listen']): { host: string; port: number } {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}
