/**
 * Whether the TLS files are what their keys say. Found here, a swapped or mismatched file is a
 * sentence; found in a handshake, it is a riddle.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

import { type Findings, warnOfReaders } from './findings.ts';
import { refuse } from './formats.ts';
import type { Settings } from './schema.ts';
import { readSmallFile } from './secret-file.ts';

// The authorities that systems ship together are about a quarter of it.
const largestPemBytes = 1024 * 1024;

export function checkCertificates(
  tls: Settings['cluster']['tls'],
  { attempt, warn, today }: Findings & { readonly today: Date | undefined },
): void {
  const { ca, cert, key } = tls;
  let certificate: X509Certificate | undefined;
  const warnOfDate = (path: string, found: X509Certificate): void => {
    // A warning, because it may be replaced while the daemon runs, and is then read again.
    if (today === undefined) return;
    if (found.validToDate <= today) warn(`${path} holds a certificate that has expired`);
    else if (found.validFromDate > today) warn(`${path} holds a certificate that is not valid yet`);
  };
  if (ca !== null) {
    attempt('cluster.tls.ca', () => {
      for (const found of readCertificates(ca)) warnOfDate(ca, found);
    });
  }
  if (cert !== null) {
    attempt('cluster.tls.cert', () => {
      certificate = readCertificates(cert)[0];
      if (certificate !== undefined) warnOfDate(cert, certificate);
    });
  }
  if (key !== null) {
    attempt('cluster.tls.key', () => {
      const found = readKey(key);
      if (certificate?.checkPrivateKey(found) === false) {
        refuse(`${key} is not the key of the certificate in cluster.tls.cert`);
      }
      warnOfReaders(key, { key: 'cluster.tls.key', warn });
    });
  }
}

/** The certificates of a PEM file; refuses one that has none or a damaged one. */
export function readCertificates(path: string): readonly X509Certificate[] {
  const text = readSmallFile(path, largestPemBytes).toString('latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (blocks === null) return refuse(`${path} holds no certificate in PEM form`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      return refuse(`${path} holds a damaged certificate (number ${index + 1})`);
    }
  });
}

function readKey(path: string): KeyObject {
  const text = readSmallFile(path, largestPemBytes).toString('latin1');
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)) {
    refuse(`${path} is locked by a passphrase, which a daemon cannot be asked for`);
  }
  try {
    return createPrivateKey(text);
  } catch {
    return refuse(`${path} holds no private key in PEM form`);
  }
}
