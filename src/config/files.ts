/**
 * What the disk says about a configuration: files that can be read and are what they should be,
 * folders that can be written. Reads only; the folders are made by those who use them.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { identityBytes, identityLines } from '../core/age-text.ts';
import { Failure, systemCode } from '../core/errors.ts';
import { parseSigningKey, parseTrustedKey } from '../core/signing-key.ts';
import { checkCertificates, readCertificates } from './certificates.ts';
import { httpScopes } from './config.ts';
import { type Findings, systemReason, warnOfFault, warnOfReaders } from './findings.ts';
import { refuse } from './formats.ts';
import { checkNotifyFiles } from './notify-files.ts';
import type { Settings } from './schema.ts';
import { readKeyBytes, readKeyFile, readSecretFile } from './secret-file.ts';

export interface FileFindings {
  readonly problems: readonly { readonly key: string; readonly reason: string }[];
  /** Not wrong, and worth a line at each start. */
  readonly warnings: readonly string[];
}

/** Guessing 16 random letters takes longer than anybody has; guessing 8 does not. */
const shortestToken = 16;

/** `isWrong` tells the keys that already have a problem; what they name is not looked at. */
export function checkFiles(
  settings: Settings,
  {
    isWrong,
    today,
    withStores,
  }: { isWrong: (key: string) => boolean; today: Date | undefined; withStores: boolean },
): FileFindings {
  const problems: { key: string; reason: string }[] = [];
  const warnings: string[] = [];
  const attempt = (key: string, check: () => void): void => {
    if (isWrong(key)) return;
    try {
      check();
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      problems.push({ key, reason: thrown.message });
    }
  };
  const warn = (text: string): void => {
    warnings.push(text);
  };
  const { cluster, http } = settings;
  const found = { attempt, warn, today };
  checkCertificates(tlsFiles('cluster.tls', cluster.tls, 'ca'), found);
  checkCertificates(tlsFiles('http.tls', http.tls, 'clientCa'), found);
  checkSecrets(settings, { attempt, warn });
  if (!isWrong('seal.identityFile')) checkIdentity(settings.seal, warn);
  checkSigningFiles(settings.seal, isWrong, warn);
  attempt('spool.dir', () => checkFolder(settings.spool.dir, { makes: 'all' }));
  for (const [index, store] of withStores ? settings.stores.entries() : []) {
    // Only warnings: one store that is away must not keep backups from the others.
    const warnOf = (name: string, check: (key: string) => void) => {
      const key = `stores[${index}].${name}`;
      warnOfFault(key, () => check(key), warn);
    };
    const { type, path, s3 } = store;
    if (type === 'file' && path !== null)
      warnOf('path', () => checkFolder(path, { makes: 'last' }));
    if (type === 's3') checkBucketFiles(s3, warnOf, warn);
  }
  checkNotifyFiles(settings, isWrong, warn);
  return { problems, warnings };
}

function tlsFiles<const A extends string>(
  section: string,
  files: Readonly<Record<'cert' | 'key' | A, string | null>>,
  authorities: A,
) {
  const named = (key: 'cert' | 'key' | A) => ({ name: `${section}.${key}`, path: files[key] });
  return { ca: named(authorities), cert: named('cert'), key: named('key') };
}

function checkBucketFiles(
  { ca, credentials, customerKeyFile }: Settings['stores'][number]['s3'],
  warnOf: (name: string, check: (key: string) => void) => void,
  warn: Findings['warn'],
): void {
  const secret = (name: string, path: string, read: (path: string) => unknown): void =>
    warnOf(name, (key) => {
      read(path);
      warnOfReaders(path, { key, warn });
    });
  if (ca !== null) warnOf('s3.ca', () => void readCertificates(ca));
  if (customerKeyFile !== null) {
    secret('s3.customerKeyFile', customerKeyFile, readKeyBytes);
  }
  for (const [name, path] of Object.entries(credentials)) {
    if (path !== null) secret(`s3.credentials.${name}`, path, readSecretFile);
  }
}

function checkSecrets({ cluster, http }: Settings, { attempt, warn }: Findings): void {
  const { passwordFile } = cluster.auth;
  if (passwordFile !== null) {
    attempt('cluster.auth.passwordFile', () => {
      readSecretFile(passwordFile);
      warnOfReaders(passwordFile, { key: 'cluster.auth.passwordFile', warn });
    });
  }
  for (const scope of httpScopes) {
    const path = http.tokens[scope];
    const key = `http.tokens.${scope}`;
    if (path === null) continue;
    attempt(key, () => {
      const token = readSecretFile(path).reveal();
      // A header ends at the first space, so such a token would match nothing, ever.
      if (/\s/.test(token)) refuse(`${path} holds a space; a token has none`);
      if (token.length < shortestToken) {
        warn(`${key}: ${path} holds fewer than ${shortestToken} characters and can be guessed`);
      }
      warnOfReaders(path, { key, warn });
    });
  }
}

/** Only warnings: backups are taken without it, and must be. */
function checkIdentity({ identityFile }: Settings['seal'], warn: Findings['warn']): void {
  if (identityFile === null) return;
  const key = 'seal.identityFile';
  const check = (): void => {
    const lines = identityLines(readKeyFile(identityFile));
    if (lines.length === 0) refuse(`${identityFile} holds no identity`);
    const wrong = lines.findIndex((line) => identityBytes(line) === undefined);
    if (wrong >= 0) refuse(`key ${wrong + 1} in ${identityFile} is no age identity`);
    warnOfReaders(identityFile, { key, warn });
  };
  warnOfFault(key, check, warn);
}

/** Only warnings as well: who restores in a disaster may have the one file and not the other. */
function checkSigningFiles(
  { signingKeyFile, trustedKeys }: Settings['seal'],
  isWrong: (key: string) => boolean,
  warn: Findings['warn'],
): void {
  const key = 'seal.signingKeyFile';
  if (signingKeyFile !== null && !isWrong(key)) {
    const check = (): void => {
      parseSigningKey(readKeyFile(signingKeyFile), signingKeyFile);
      warnOfReaders(signingKeyFile, { key, warn });
    };
    warnOfFault(key, check, warn);
  }
  if (isWrong('seal.trustedKeys')) return;
  for (const path of (trustedKeys ?? []).filter((named) => named.startsWith('/'))) {
    const check = (): void => void parseTrustedKey(readKeyFile(path), path);
    warnOfFault('seal.trustedKeys', check, warn);
  }
}

/**
 * Passes when the folder can be written, or can be made because a parent can. A store makes only
 * the last folder of its path: a missing parent is more often a disk that is not mounted.
 */
function checkFolder(path: string, { makes }: { readonly makes: 'last' | 'all' }): void {
  let existing = path;
  let stat = statOrNothing(existing);
  for (let up = 0; stat === undefined && existing !== '/'; up += 1) {
    if (makes === 'last' && up === 1) refuse(`${existing} does not exist: make it, or mount it`);
    existing = dirname(existing);
    stat = statOrNothing(existing);
  }
  if (stat?.isDirectory() !== true) refuse(`${existing} is not a folder`);
  try {
    accessSync(existing, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (thrown) {
    const missing = existing === path ? '' : `${path} does not exist and `;
    refuse(`${missing}${existing} ${systemReason(thrown)}`);
  }
}

function statOrNothing(path: string) {
  try {
    return statSync(path);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined;
    return refuse(`${path} ${systemReason(thrown)}`);
  }
}
