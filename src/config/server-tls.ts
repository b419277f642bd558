/** What the admin API shows of itself and whose certificates it takes, read from its files. */
import { createSecureContext } from 'node:tls';
import {
  type CertificateFacts,
  checkPair,
  factsOf,
  largestPemBytes,
  parseCertificates,
  parseKey,
} from './certificates.ts';
import type { HttpTlsConfig } from './config.ts';
import { refuse } from './formats.ts';
import { readSmallFile } from './secret-file.ts';

export interface ServerTls extends CertificateFacts {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Undefined: client certificates are not asked for. */
  readonly clientCa: Buffer | undefined;
}

/**
 * Reads the files whenever it is called, and gives the very same object while they are unchanged.
 * Throws `config-invalid` for files that cannot be used, such as a pair of which only one half has
 * been replaced.
 */
export function serverTlsReader(files: HttpTlsConfig): () => ServerTls {
  let last: ServerTls | undefined;
  return () => {
    const read = readAll(files);
    if (last === undefined || !isSame(last, read)) last = understood(read, files);
    return last;
  };
}

type Bytes = Pick<ServerTls, 'cert' | 'key' | 'clientCa'>;

function readAll({ cert, key, clientCa }: HttpTlsConfig): Bytes {
  return {
    cert: readPem(cert),
    key: readPem(key),
    clientCa: clientCa === null ? undefined : readPem(clientCa),
  };
}

/** A copy: what is read is a piece of memory for the largest file. */
function readPem(path: string): Buffer {
  return Buffer.from(readSmallFile(path, largestPemBytes));
}

function isSame(a: Bytes, b: Bytes): boolean {
  const authorities = a.clientCa?.equals(b.clientCa ?? Buffer.alloc(0)) ?? true;
  return authorities && a.cert.equals(b.cert) && a.key.equals(b.key);
}

function understood(bytes: Bytes, { cert, key, clientCa }: HttpTlsConfig): ServerTls {
  const [shown] = parseCertificates(bytes.cert, cert);
  if (shown === undefined) return refuse(`${cert} holds no certificate`);
  checkPair(shown, { key: parseKey(bytes.key, key), path: key, cert });
  if (bytes.clientCa !== undefined) parseCertificates(bytes.clientCa, clientCa ?? '');
  try {
    createSecureContext({ cert: bytes.cert, key: bytes.key, ca: bytes.clientCa });
  } catch (thrown) {
    // Rules of OpenSSL that nobody else knows, such as the smallest key that it takes.
    refuse(`${cert} and ${key} cannot be used: ${(thrown as Error).message}`);
  }
  return { ...bytes, ...factsOf(shown) };
}
