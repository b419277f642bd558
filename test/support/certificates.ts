import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';

export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** Paths of PEM files. All but `stranger` are signed by `ca`. */
export interface Certificates {
  readonly ca: string;
  /** For 127.0.0.1, ::1 and localhost; also good as a client's. */
  readonly server: CertificatePair;
  readonly expiredServer: CertificatePair;
  /** Valid, but for etcd.example only. */
  readonly otherNameServer: CertificatePair;
  readonly client: CertificatePair;
  readonly expiredClient: CertificatePair;
  /** The same client signed by a CA that nobody here trusts; the CA itself is `strangerCa`. */
  readonly strangerClient: CertificatePair;
  readonly strangerCa: string;
  /** Signs another one; over an earlier one of the same file, where there is one. */
  readonly issue: (file: string, leaf?: Partial<Leaf>) => CertificatePair;
}

/**
 * Makes a CA and what it signs in a folder. `clientName` becomes the client's common name,
 * `serverNames` are further names and addresses of the server.
 */
export function makeCertificates(
  folder: string,
  {
    clientName = 'backup',
    serverNames = [],
  }: { readonly clientName?: string; readonly serverNames?: readonly string[] } = {},
): Certificates {
  mkdirSync(folder, { recursive: true });
  const ours = makeAuthority('ca');
  const strangers = makeAuthority('stranger-ca');
  const here = ['127.0.0.1', '::1', 'localhost', ...serverNames];
  const issue = (file: string, leaf: Partial<Leaf> = {}, by = ours): CertificatePair => {
    const usual = { name: file, hosts: [], uris: [], emails: [], isExpired: false, bits: 2048 };
    const pair = signLeaf({ ...usual, ...leaf }, by);
    return { cert: save(file, 'crt', pair.cert), key: save(file, 'key', pair.key) };
  };
  const save = (file: string, ending: string, text: string): string => {
    const path = join(folder, `${file}.${ending}`);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  // Made when they are asked for: each key costs a tenth of a second, and few need them all.
  const made = new Map<string, CertificatePair>();
  const once = (...[file, ...rest]: Parameters<typeof issue>): CertificatePair => {
    const pair = made.get(file) ?? issue(file, ...rest);
    made.set(file, pair);
    return pair;
  };
  return {
    ca: save('ca', 'crt', forge.pki.certificateToPem(ours.certificate)),
    strangerCa: save('stranger-ca', 'crt', forge.pki.certificateToPem(strangers.certificate)),
    get server() {
      return once('server', { hosts: here });
    },
    get expiredServer() {
      return once('expired-server', { hosts: here, isExpired: true });
    },
    get otherNameServer() {
      return once('other-name-server', { hosts: ['etcd.example'] });
    },
    get client() {
      return once('client', { name: clientName });
    },
    get expiredClient() {
      return once('expired-client', { name: clientName, isExpired: true });
    },
    get strangerClient() {
      return once('stranger-client', { name: clientName }, strangers);
    },
    issue: (file, leaf) => issue(file, leaf),
  };
}

interface Authority {
  readonly certificate: forge.pki.Certificate;
  readonly key: forge.pki.rsa.PrivateKey;
}

interface Leaf {
  /** Common names; mostly one. */
  readonly name: string | readonly string[];
  readonly hosts: readonly string[];
  readonly uris: readonly string[];
  readonly emails: readonly string[];
  readonly isExpired: boolean;
  /** Of its RSA key. */
  readonly bits: number;
}

function makeAuthority(name: string): Authority {
  const { certificate, key } = blank(name, { isExpired: false, bits: 2048 });
  certificate.setIssuer(certificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  certificate.sign(key, forge.md.sha256.create());
  return { certificate, key };
}

function signLeaf(leaf: Leaf, by: Authority): { cert: string; key: string } {
  const { certificate, key } = blank(leaf.name, leaf);
  const isAddress = (host: string) => /^[\d.]+$|^[\da-f]*:[\da-f:]*$/i.test(host);
  const hosts = leaf.hosts.map((host) =>
    isAddress(host) ? { type: 7, ip: host } : { type: 2, value: host },
  );
  const emails = leaf.emails.map((value) => ({ type: 1, value }));
  const altNames = [...hosts, ...emails, ...leaf.uris.map((value) => ({ type: 6, value }))];
  certificate.setIssuer(by.certificate.subject.attributes);
  certificate.setExtensions([
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    ...(altNames.length === 0 ? [] : [{ name: 'subjectAltName', altNames }]),
  ]);
  certificate.sign(by.key, forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: forge.pki.privateKeyToPem(key) };
}

// Keys come from node:crypto: the package's own generator takes seconds for each.
function blank(name: Leaf['name'], { isExpired, bits }: Pick<Leaf, 'isExpired' | 'bits'>) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const key = forge.pki.privateKeyFromPem(pem);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  // A leading 1 keeps the serial number positive, which Go insists on, without padding.
  certificate.serialNumber = `01${randomBytes(8).toString('hex')}`;
  certificate.validity.notBefore = daysFromNow(isExpired ? -30 : -1);
  certificate.validity.notAfter = daysFromNow(isExpired ? -1 : 365);
  certificate.setSubject([name].flat().map((value) => ({ name: 'commonName', value })));
  return { certificate, key };
}

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * 86_400_000);
}
