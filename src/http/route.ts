/** What a route is: a question to the admin API, who may ask it, and its answer. */
import type { Readable } from 'node:stream';
import { jsonText } from './json.ts';
import { type Problem, problemType, requestProblem } from './problem.ts';
import type { AdminOptions } from './sources.ts';
import type { Scope } from './tokens.ts';

export interface Call {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Undefined when none was sent. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on. */
export interface StreamAnswer extends Omit<Answer, 'body'> {
  readonly body: Readable;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** `open` needs no token: probes and Prometheus have none. */
  readonly scope: Scope | 'open';
  readonly answer: (options: AdminOptions, call: Call) => Promise<Answer | StreamAnswer>;
  /** Its answer may take as long as it likes. */
  readonly streams?: true;
  /** What the call is to change, for the audit, where the path does not tell. */
  readonly target?: (call: Pick<Call, 'body'>) => string | undefined;
}

export function jsonAnswer(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: jsonText(value) };
}

export function problemAnswer(problem: Problem, headers: Record<string, string> = {}): Answer {
  return {
    status: problem.status,
    contentType: problemType,
    body: jsonText(problem),
    headers,
  };
}

/** For calls that take no fields: whether the body has none. */
export function isEmpty(body: unknown): boolean {
  if (body === undefined) return true;
  const isRecord = typeof body === 'object' && body !== null && !Array.isArray(body);
  return isRecord && Object.keys(body).length === 0;
}

export const fieldless = requestProblem(
  'bad-request',
  'the call takes no fields',
  'Send no body, or {}.',
);
