/** Calls over TLS as any client makes them, with or without a certificate. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import type { CertificatePair } from './certificates.ts';

export interface Answered {
  readonly status: number;
  readonly body: string;
  /** Common name of the certificate that the server showed. */
  readonly shown: string;
}

export interface CallOptions {
  /** Of the server. */
  readonly ca: string;
  readonly client?: CertificatePair | undefined;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly more?: RequestOptions;
}

/** Over a connection of its own. */
export async function secureCall(url: string, options: CallOptions): Promise<Answered> {
  const answer = await secureStream(url, options);
  const shown = nameOf(answer.socket as TLSSocket);
  return { status: answer.statusCode ?? 0, body: await text(answer), shown };
}

/** The same without waiting for the end of the answer. */
export async function secureStream(url: string, options: CallOptions): Promise<IncomingMessage> {
  const { ca, client, method = 'GET', headers = {}, more = {} } = options;
  const pair =
    client === undefined ? {} : { cert: readFileSync(client.cert), key: readFileSync(client.key) };
  const tls = { ca: readFileSync(ca), ...pair };
  const asked = request(url, { method, headers, agent: false, ...tls, ...more }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}

function nameOf(socket: TLSSocket): string {
  return String(socket.getPeerCertificate().subject?.CN ?? '');
}

/** A connection whose handshake is done. */
export async function secureConnection(url: string, ca: string): Promise<TLSSocket> {
  const { hostname: host, port } = new URL(url);
  const socket = connect({ host, port: Number(port), ca: readFileSync(ca) });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}
