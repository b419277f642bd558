/**
 * TLS of the listener. Its files are looked at for every connection, before its handshake: what
 * has rotated counts at once, nothing is dropped for it, and no timer is needed.
 */
import { constants, type X509Certificate } from 'node:crypto';
import type { Server as NetServer, Socket } from 'node:net';
import { type SecureContextOptions, Server, TLSSocket, type TlsOptions } from 'node:tls';
import { toFailure } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Undefined: client certificates are not asked for. */
  readonly clientCa: Buffer | undefined;
  /** Of the certificate that is shown. */
  readonly subject: string;
  readonly validFrom: Date;
  readonly expiresAt: Date;
}

/** Gives the same object while nothing has changed. Throws for files that cannot be used. */
export type ReadTls = () => TlsMaterial;

const handshakeLimitMs = 10_000;

/** For a server that is made. */
export function tlsOptions(material: TlsMaterial): TlsOptions {
  return {
    ...contextOptions(material),
    requestCert: material.clientCa !== undefined,
    // Probes and Prometheus have none, and whose certificate is refused should be told why.
    rejectUnauthorized: false,
    handshakeTimeout: handshakeLimitMs,
  };
}

function contextOptions({ cert, key, clientCa }: TlsMaterial): SecureContextOptions {
  return {
    cert,
    key,
    ca: clientCa,
    minVersion: 'TLSv1.2',
    // A resumed session would bring the judgement of an earlier day about a client with it.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/**
 * Has the server show what the files hold. Files that cannot be used are told once, and what was
 * read before stays in use.
 */
export function followFiles(
  server: NetServer,
  options: { readonly first: TlsMaterial; readonly read: ReadTls; readonly observe: Observe },
): void {
  const { read, observe } = options;
  let current: TlsMaterial | undefined;
  let complaint: string | undefined;
  const take = (next: TlsMaterial): void => {
    complaint = undefined;
    if (next === current || !(server instanceof Server)) return;
    server.setSecureContext(contextOptions(next));
    current = next;
    const { subject, validFrom, expiresAt } = next;
    observe({ kind: 'certificate-read', of: 'api', subject, validFrom, expiresAt });
  };
  take(options.first);
  // Before the listener of the server itself, which begins the handshake.
  server.prependListener('connection', () => {
    try {
      take(read());
    } catch (thrown) {
      const failure = toFailure(thrown, 'config-invalid');
      if (failure.message === complaint) return;
      complaint = failure.message;
      observe({ kind: 'http-certificate-kept', failure });
    }
  });
}

/** What a connection showed. */
export interface Shown {
  readonly certificate: X509Certificate;
  /** Why it does not count: OpenSSL's word, such as `CERT_HAS_EXPIRED`. */
  readonly fault: string | undefined;
}

/** The client certificate of a connection. */
export function shownBy(socket: Socket): Shown | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  // Typed as an error, and a text in truth.
  const fault = socket.authorized ? undefined : String(socket.authorizationError ?? 'REFUSED');
  return { certificate, fault };
}
