/**
 * Whether the TLS files are what their keys say. Found here, a swapped or mismatched file is a
 * sentence; found in a handshake, it is a riddle.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { formatDuration } from '../core/units.ts';
import { isRenewalDue, type Validity } from '../core/validity.ts';
import { type Findings, warnOfReaders } from './findings.ts';
import { refuse } from './formats.ts';
import { readSmallFile } from './secret-file.ts';

// The authorities that systems ship together are about a quarter of it.
export const largestPemBytes = 1024 * 1024;

export interface CertificateFacts extends Validity {
  readonly subject: string;
}

/** Whose it is, in words, and how long it is good. */
export function factsOf(found: X509Certificate): CertificateFacts {
  const subject = found.subject?.replaceAll('\n', ', ') || (found.subjectAltName ?? '');
  return { subject, validFrom: found.validFromDate, expiresAt: found.validToDate };
}

/** Where a path is written, and the path. */
interface Named {
  readonly name: string;
  readonly path: string | null;
}

export function checkCertificates(
  { ca, cert, key }: { readonly ca: Named; readonly cert: Named; readonly key: Named },
  { attempt, warn, today }: Findings & { readonly today: Date | undefined },
): void {
  let certificate: X509Certificate | undefined;
  const warnOfDate = (path: string, found: X509Certificate): void => {
    // A warning, because it may be replaced while the daemon runs, and is then read again.
    if (today === undefined) return;
    const what = dateFault(factsOf(found), today);
    if (what !== undefined) warn(`${path} holds a certificate that ${what}`);
  };
  checkNamed(ca, attempt, (path) => {
    for (const found of readCertificates(path)) warnOfDate(path, found);
  });
  checkNamed(cert, attempt, (path) => {
    certificate = readCertificates(path)[0];
    if (certificate !== undefined) warnOfDate(path, certificate);
  });
  checkNamed(key, attempt, (path) => {
    const found = parseKey(readSmallFile(path, largestPemBytes), path);
    if (certificate !== undefined) checkPair(certificate, { key: found, path, cert: cert.name });
    warnOfReaders(path, { key: key.name, warn });
  });
}

function dateFault(validity: Validity, today: Date): string | undefined {
  const { validFrom, expiresAt } = validity;
  if (expiresAt <= today) return 'has expired';
  if (validFrom > today) return 'is not valid yet';
  if (!isRenewalDue(validity, today)) return undefined;
  const leftMs = expiresAt.getTime() - today.getTime();
  return `expires in ${formatDuration(leftMs)}: a new one is due`;
}

function checkNamed(
  { name, path }: Named,
  attempt: Findings['attempt'],
  check: (path: string) => void,
): void {
  if (path !== null) attempt(name, () => check(path));
}

/** Refuses a key that is not the one of the certificate. */
export function checkPair(
  certificate: X509Certificate,
  { key, path, cert }: { readonly key: KeyObject; readonly path: string; readonly cert: string },
): void {
  if (certificate.checkPrivateKey(key)) return;
  refuse(`${path} is not the key of the certificate in ${cert}`);
}

/** The certificates of a PEM file; refuses one that has none or a damaged one. */
export function readCertificates(path: string): readonly X509Certificate[] {
  return parseCertificates(readSmallFile(path, largestPemBytes), path);
}

/** The same of bytes that were read from the path. */
export function parseCertificates(pem: Buffer, path: string): readonly X509Certificate[] {
  const text = pem.toString('latin1');
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

/** The private key in PEM bytes that were read from the path. */
export function parseKey(pem: Buffer, path: string): KeyObject {
  const text = pem.toString('latin1');
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)) {
    refuse(`${path} is locked by a passphrase, which a daemon cannot be asked for`);
  }
  try {
    return createPrivateKey(text);
  } catch {
    return refuse(`${path} holds no private key in PEM form`);
  }
}
