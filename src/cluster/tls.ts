/**
 * TLS material from files, read anew for every connection: a certificate that rotates on disk
 * counts from the next connection on. Verification is always on.
 */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { Failure } from '../core/errors.ts';

export interface TlsFiles {
  /** Null: the system's roots. */
  readonly ca: string | null;
  readonly client: { readonly cert: string; readonly key: string } | null;
  /** The name that certificates must be for, where it is not the host of the endpoint. */
  readonly serverName: string | null;
}

export interface TlsMaterial {
  readonly ca: Buffer;
  readonly client: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly serverName: string | undefined;
}

/** Throws `cluster-tls` when a file cannot be read. */
export function readTls(files: TlsFiles): TlsMaterial {
  const { ca, client, serverName } = files;
  return {
    ca: ca === null ? Buffer.from(rootCertificates.join('\n')) : read(ca, 'cluster.tls.ca'),
    client: client === null ? undefined : readPair(client),
    serverName: serverName ?? undefined,
  };
}

function readPair(client: { cert: string; key: string }): { cert: Buffer; key: Buffer } {
  const cert = read(client.cert, 'cluster.tls.cert');
  return { cert, key: read(client.key, 'cluster.tls.key') };
}

function read(path: string, key: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Failure('cluster-tls', `cannot read ${key}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
