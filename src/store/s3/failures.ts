/** What an S3 server or the way to it says, as failures that name the store and the reason. */
import { Failure, type FailureCode, systemCode } from '../../core/errors.ts';
import type { S3Encryption } from './options.ts';

export interface Place {
  readonly name: string;
  readonly describe: () => string;
  readonly encryption?: S3Encryption;
}

interface Meaning {
  readonly code: FailureCode;
  readonly reason: string;
  readonly hint?: string;
}

/** Why no key could be had to sign a request with: nothing that the store's server said. */
export class KeySourceError extends Error {
  override readonly name = 'KeySourceError';

  constructor(cause: unknown) {
    super('no key was given', { cause });
  }
}

const clockHint = 'Correct the clock of this host; the server refuses requests of another time.';
const keyHint =
  'Check both halves of the key: in stores[].s3.credentials, or where the AWS tools look for it.';
const sourceHint =
  'Set stores[].s3.credentials, or give a key in one of the places where the AWS tools look.';
const rightsHint =
  'The key needs s3:ListBucket and s3:ListBucketMultipartUploads on the bucket, and ' +
  's3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on its objects.';
const regionHint = 'Set stores[].s3.region to the region of the bucket, and endpoint with it.';
const bucketHint = 'Make the bucket, or correct stores[].s3.bucket and endpoint.';
const lessHint =
  'Set stores[].s3.checksums to sha256, else to none; then try without sse and objectLock.';
const customerHint =
  'Put the key back that the backup was made with, in stores[].s3.customerKeyFile.';
const kmsHint = 'Check stores[].s3.kmsKeyId, and that the user of the store may use that key.';
const askedHint =
  'The server may not know what stores[].s3 asks for: try without sse, storageClass, objectLock.';
const sseHint = 'Check stores[].s3.sse: the object may be encrypted with the key of a customer.';
const renewHint = 'Renew the certificate of the server, or correct the clock of this host.';
const authorityHint = 'Name the authority of the server in stores[].s3.ca.';

/** By the code that the server answers. */
const answers: Readonly<Record<string, Meaning>> = {
  InvalidAccessKeyId: denied('the server does not know the access key', keyHint),
  SignatureDoesNotMatch: denied('the secret key is not that of the access key', keyHint),
  ExpiredToken: denied('the session token has expired', keyHint),
  InvalidToken: denied('the session token is not valid', keyHint),
  CredentialsProviderError: denied('no key was found', sourceHint),
  RequestTimeTooSkewed: denied('the clocks of this host and the server differ', clockHint),
  UserSuspended: denied('the user is suspended'),
  AccessDenied: denied('access denied', rightsHint),
  NoSuchBucket: failed('there is no such bucket', bucketHint),
  PermanentRedirect: failed('the bucket is in another region', regionHint),
  TemporaryRedirect: failed('the bucket is in another region', regionHint),
  AuthorizationHeaderMalformed: failed('the bucket is in another region', regionHint),
  QuotaExceeded: full('the quota is used up'),
  XMinioStorageFull: full('the disks of the server are full'),
  InsufficientStorage: full('the server has no room'),
  SlowDown: failed('the server asks for fewer requests'),
  NotImplemented: failed('the server does not know what is asked for', lessHint),
  InvalidPart: failed('the server lost a part of the upload'),
  BadDigest: failed('the bytes were changed on their way'),
  XAmzContentSHA256Mismatch: failed('the bytes were changed on their way'),
};

/** Of what is asked for; not among the answers, because they may be about a key as well. */
const refusals = ['InvalidArgument', 'InvalidRequest', 'InvalidStorageClass'];

const statuses: Readonly<Record<number, string>> = {
  301: 'PermanentRedirect',
  307: 'TemporaryRedirect',
  401: 'AccessDenied',
  403: 'AccessDenied',
  429: 'SlowDown',
  503: 'SlowDown',
  507: 'InsufficientStorage',
};

/** By the error of the operating system, the resolver or TLS. */
const ways: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: failed('the server refuses the connection'),
  ECONNRESET: failed('the connection broke off'),
  EPIPE: failed('the connection broke off'),
  EHOSTUNREACH: failed('there is no way to the server'),
  ENETUNREACH: failed('there is no way to the server'),
  ENOTFOUND: failed('the name of the server is not known'),
  EAI_AGAIN: failed('the resolver of names does not answer'),
  CERT_HAS_EXPIRED: failed('the certificate of the server has expired', renewHint),
  ERR_TLS_CERT_ALTNAME_INVALID: failed(
    'the certificate of the server is for another name',
    'Use the name that the certificate has in stores[].s3.endpoint.',
  ),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority(),
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority(),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority(),
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority(),
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority(),
  EPROTO: failed('the server does not speak TLS there', 'Check the scheme of the endpoint.'),
};

/** Anything that a call threw, told as `store NAME (WHERE): cannot ACTION: REASON`. */
export function toStoreFailure(thrown: unknown, place: Place, action: string): Failure {
  if (thrown instanceof Failure) return thrown;
  const { code, reason, hint } =
    sourceMeaning(thrown) ?? keyMeaning(thrown, place) ?? meaningOf(thrown);
  const server = serverCode(thrown) ?? systemCode(thrown) ?? '';
  return new Failure(
    code,
    `store ${place.name} (${place.describe()}): cannot ${action}: ${reason}`,
    {
      cause: thrown,
      context: { store: place.name, server, status: statusOf(thrown) ?? null },
      ...(hint === undefined ? {} : { hint }),
    },
  );
}

/** Whether the same call may succeed a moment later. */
export function isPassing(thrown: unknown): boolean {
  const status = statusOf(thrown);
  if (thrown instanceof Failure) return false;
  if (thrown instanceof KeySourceError) return isPassing(thrown.cause);
  if (status === undefined) {
    const system = systemCode(thrown) ?? '';
    // A way with a hint is one that somebody has to mend first.
    return isStall(thrown) || (/^E[A-Z_]+$/.test(system) && ways[system]?.hint === undefined);
  }
  const passing = [
    'BadDigest',
    'XAmzContentSHA256Mismatch',
    'RequestTimeout',
    'OperationAborted',
    'ConditionalRequestConflict',
    'ConcurrentModification',
  ];
  return (
    (status >= 500 && status !== 501 && status !== 507) ||
    status === 429 ||
    passing.includes(serverCode(thrown) ?? '')
  );
}

export function isStall(thrown: unknown): boolean {
  // The SDK calls a connection that was reset a timeout as well; the system's code tells.
  const system = systemCode(thrown) ?? 'ETIMEDOUT';
  return thrown instanceof Error && /Timeout/.test(thrown.name) && system === 'ETIMEDOUT';
}

export function isAbsent(thrown: unknown): boolean {
  const code = serverCode(thrown);
  return code === 'NoSuchKey' || code === 'NotFound';
}

/** The code that the server answered, where it answered one. */
export function serverCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && thrown.name !== 'Error' ? thrown.name : undefined;
}

export function statusOf(thrown: unknown): number | undefined {
  const { $metadata } = (thrown ?? {}) as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode;
}

function sourceMeaning(thrown: unknown): Meaning | undefined {
  if (!(thrown instanceof KeySourceError)) return undefined;
  const { code, reason } = meaningOf(thrown.cause);
  return { code, reason: `${thrown.message}: ${reason}`, hint: sourceHint };
}

/** What is wrong with a key for encryption; heads say so by their status alone. */
function keyMeaning(thrown: unknown, { encryption }: Place): Meaning | undefined {
  if (statusOf(thrown) !== 400 || answers[serverCode(thrown) ?? ''] !== undefined) return undefined;
  if (encryption?.kind === 'aws:kms' && /kms/i.test(said(thrown))) {
    return denied(`the server cannot use the key for encryption (${said(thrown)})`, kmsHint);
  }
  const isAboutKeys = /encryption|hash of the key/i.test((thrown as Error).message);
  if (encryption?.kind === 'customer') {
    const isHead = serverCode(thrown) === 'Unknown' || serverCode(thrown) === '400';
    if (!isAboutKeys && !isHead) return undefined;
    return denied('the key of the customer is not that of the object', customerHint);
  }
  return isAboutKeys
    ? denied(`the server wants another key (${said(thrown)})`, sseHint)
    : undefined;
}

function meaningOf(thrown: unknown): Meaning {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = serverCode(thrown) ?? '';
  const status = statusOf(thrown);
  const known = answers[code] ?? answers[statuses[status ?? 0] ?? ''];
  if (known !== undefined) return { ...known, reason: `${known.reason} (${said(thrown)})` };
  const way = ways[systemCode(thrown) ?? ''];
  if (way !== undefined) return { ...way, reason: `${way.reason} (${said(thrown)})` };
  if (isStall(thrown)) return failed(`the server does not answer (${message})`);
  if (status === undefined) return failed(message);
  return failed(`the server says ${said(thrown)}`, refusals.includes(code) ? askedHint : undefined);
}

/** The server's own words: `AccessDenied, 403, no such right`. */
function said(thrown: unknown): string {
  const { $response } = (thrown ?? {}) as { $response?: { headers?: Record<string, string> } };
  const region = $response?.headers?.['x-amz-bucket-region'];
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = statusOf(thrown) === undefined ? systemCode(thrown) : serverCode(thrown);
  const words = [
    code,
    statusOf(thrown),
    // The SDK says "UnknownError" where the server gave no words.
    message === code || message === 'UnknownError' ? undefined : message,
    region === undefined ? undefined : `region ${region}`,
  ];
  return words.filter((word) => word !== undefined && word !== '').join(', ');
}

function denied(reason: string, hint?: string): Meaning {
  return { code: 'store-denied', reason, ...(hint === undefined ? {} : { hint }) };
}

function failed(reason: string, hint?: string): Meaning {
  return { code: 'store-failed', reason, ...(hint === undefined ? {} : { hint }) };
}

function full(reason: string): Meaning {
  return { code: 'store-full', reason };
}

function unknownAuthority(): Meaning {
  return failed('the certificate of the server is not signed by a known authority', authorityHint);
}
