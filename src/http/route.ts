/** What a route is: a question to the admin API, who may ask it, and its answer. */
import type { Readable } from 'node:stream';
import type { Fields, Values } from './fields.ts';
import { jsonText } from './json.ts';
import { type Problem, problemType } from './problem.ts';
import type { Schema } from './schema.ts';
import type { AdminOptions } from './sources.ts';
import type { Scope } from './tokens.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a call gives, read by what its route declares. */
export interface Call<Q = unknown, B = unknown> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Q;
  /** With fields of its own, or as it came where the route has a reader of its own. */
  readonly body: B;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly signal: AbortSignal;
}

/** An answer that goes on, for as long as it likes. */
export interface StreamAnswer extends Omit<Answer, 'body'> {
  readonly body: Readable;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** `open` needs no token: probes and Prometheus have none. */
  readonly scope: Scope | 'open';
  /** One sentence for the document. */
  readonly summary: string;
  /** Of each `:name` in the path. */
  readonly params?: Readonly<Record<string, Schema>>;
  /** Left out: the call takes none. */
  readonly query?: Fields;
  /** Left out: the call takes none. A schema: the answer reads the body itself. */
  readonly body?: Fields | { readonly whole: Schema };
  /** What it answers, by status; the problems are what can go wrong with this route only. */
  readonly replies: Readonly<Record<number, Reply>>;
  readonly problems?: readonly number[];
  /** `probe`: never refused for being one too many. `heavy`: reads stores, so few at a time. */
  readonly weight?: 'probe' | 'heavy';
  readonly answer: (
    options: AdminOptions,
    call: Call<never, never>,
  ) => Promise<Answer | StreamAnswer>;
  /** What the call is to change, for the audit, where the path does not tell. */
  readonly target?: (call: { readonly body: unknown }) => string | undefined;
}

export interface Reply {
  readonly description: string;
  /** Left out: text that is no JSON. */
  readonly schema?: Schema;
  /** Of such a text; `text/plain` when left out. */
  readonly contentType?: string;
  /** Whether the header Location tells where to look. */
  readonly located?: true;
}

type Answering<Q extends Fields, B> = Omit<Route, 'query' | 'body' | 'answer'> & {
  readonly query?: Q;
  readonly body?: B;
  readonly answer: (
    options: AdminOptions,
    call: Call<Values<Q>, BodyOf<B>>,
  ) => Promise<Answer | StreamAnswer>;
};

type None = Record<never, never>;

type BodyOf<B> = B extends Fields ? Values<B> : unknown;

/** A route whose answer is given what its fields read. */
export function route<Q extends Fields = None, B extends Fields | { whole: Schema } = None>(
  one: Answering<Q, B>,
): Route {
  return one as unknown as Route;
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

/** Whether a path is one of a route's: `:name` stands for one part of it. */
export function matchesPath(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]))
  );
}
