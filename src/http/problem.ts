/** Errors as problem details (RFC 9457) with our code and hint. */
import { STATUS_CODES } from 'node:http';
import { Failure, type FailureCode } from '../core/errors.ts';

/** What can be wrong with a request itself; everything else is a code of the error table. */
export type RequestFault =
  | 'bad-request'
  | 'token-missing'
  | 'token-refused'
  | 'not-found'
  | 'method-not-allowed'
  | 'already-running'
  | 'wrong-host'
  | 'too-large'
  | 'not-json'
  | 'too-slow'
  | 'too-many-calls'
  | 'too-many-listeners'
  | 'busy';

export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: RequestFault | FailureCode;
  readonly detail: string;
  readonly hint: string;
}

export const problemType = 'application/problem+json';

const faults = {
  'bad-request': [400, 'GET /openapi.json tells every path and what it takes.'],
  'token-missing': [401, 'Send "Authorization: Bearer TOKEN" with a token of http.tokens.'],
  'token-refused': [403, 'Use the token of a scope that allows the call, see http.tokens.'],
  'not-found': [404, 'GET /openapi.json tells every path and what it takes.'],
  'method-not-allowed': [405, 'The header Allow names the methods of this path.'],
  'already-running': [409, 'The log and the metrics tell when it has ended, and how.'],
  'wrong-host': [421, 'Call the API by the address that it listens on.'],
  'too-large': [413, 'No call of this API needs that much.'],
  'not-json': [415, 'Send application/json or no body at all.'],
  'too-slow': [408, 'Send the whole request at once.'],
  'too-many-calls': [429, 'Wait as long as Retry-After says, and ask less often.'],
  'too-many-listeners': [429, 'Try again later, or ask GET /v1/status from time to time.'],
  busy: [503, 'Wait as long as Retry-After says, and try again.'],
} as const satisfies Record<RequestFault, readonly [number, string]>;

const failureStatus = {
  usage: 400,
  'config-invalid': 503,
  'cluster-unreachable': 502,
  'cluster-auth': 502,
  'cluster-permission': 502,
  'cluster-tls': 502,
  'no-source': 502,
  'snapshot-refused': 502,
  'revision-unavailable': 502,
  'stream-stalled': 502,
  'stream-broken': 502,
  'snapshot-corrupt': 502,
  'snapshot-stale': 502,
  'hash-mismatch': 502,
  'spool-full': 507,
  'spool-failed': 503,
  'store-failed': 502,
  'store-full': 507,
  'store-denied': 502,
  'object-missing': 404,
  'object-damaged': 502,
  'damage-repaired': 500,
  'object-exists': 409,
  'backup-missing': 404,
  'manifest-invalid': 502,
  'retention-unsafe': 409,
  'restore-refused': 409,
  'restore-full': 507,
  'restore-failed': 500,
  'put-back-conflict': 409,
  'quorum-at-risk': 409,
  'backup-locked': 409,
  'backup-untrusted': 409,
  'drill-failed': 500,
  'http-listen': 503,
  'etcd-start': 502,
  'timed-out': 504,
  stopped: 503,
  'daemon-unhealthy': 503,
  'notify-failed': 502,
  internal: 500,
} as const satisfies Record<FailureCode, number>;

export function requestProblem(code: RequestFault, detail: string, hint?: string): Problem {
  const [status, usualHint] = faults[code];
  return problem(status, { code, detail, hint: hint ?? usualHint });
}

export function failureProblem(failure: Failure): Problem {
  const { code, message, hint } = failure;
  return problem(failureStatus[code], { code, detail: message, hint });
}

/** Anything thrown while a request was answered. */
export function thrownProblem(thrown: unknown): Problem {
  if (thrown instanceof Failure) return failureProblem(thrown);
  const status = statusOf(thrown);
  if (status === 413) return requestProblem('too-large', 'the body is larger than 64 KiB');
  if (status === 415) return requestProblem('not-json', 'the body is not of type application/json');
  if (status === 414) return requestProblem('not-found', 'no such path');
  if (status >= 400 && status < 500) {
    return requestProblem('bad-request', 'the request cannot be understood');
  }
  // The text of a fault that nobody foresaw may hold anything: it is not for callers.
  return failureProblem(new Failure('internal', 'the call ended with an unexpected fault'));
}

export function problemTitle(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}

function problem(status: number, rest: Pick<Problem, 'code' | 'detail' | 'hint'>): Problem {
  return { type: 'about:blank', title: problemTitle(status), status, ...rest };
}

function statusOf(thrown: unknown): number {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return 500;
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : 500;
}
