/**
 * Who may ask what: decided from the head of a request, before a byte of its body is read. Pure,
 * so that every rule has a test without a socket.
 */
import { isIPv4 } from 'node:net';
import type { Client } from './client-certificates.ts';
import { type Problem, requestProblem } from './problem.ts';
import { matchesPath, type Route } from './route.ts';
import { routes } from './routes.ts';
import type { ClientNames, TokenSources } from './sources.ts';
import { allows, type Scope, scopeOf, scopes } from './tokens.ts';

export interface Head {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** The header Host. */
  readonly host: string | undefined;
  readonly authorization: string | undefined;
  /** Whose certificate the connection showed; undefined: none. */
  readonly client?: () => Client | { readonly refusal: string } | undefined;
}

export interface House {
  readonly listenHost: string;
  readonly tokens: TokenSources;
  readonly clients?: ClientNames | undefined;
}

export interface Verdict {
  /** `certificate:NAME` for who is let in by a certificate. */
  readonly caller: Scope | 'anonymous' | `certificate:${string}`;
  /** Undefined: let in. */
  readonly problem?: Problem;
  readonly headers?: Record<string, string>;
}

export function judge(head: Head, house: House): Verdict {
  const known = routes.filter((route) => matchesPath(route.path, head.path));
  const method = head.method === 'HEAD' ? 'GET' : head.method;
  const route = known.find((candidate) => candidate.method === method);
  // Before the tokens are looked at: a probe must not fail because a token cannot be read.
  if (route?.scope === 'open') return { caller: 'anonymous' };
  const asking = callerOf(head, house);
  const { caller } = asking;
  if (known.length === 0) return { caller, problem: requestProblem('not-found', 'no such path') };
  if (route === undefined) return { caller, ...wrongMethod(known) };
  if (!isHostKnown(head.host, house.listenHost)) {
    const detail = 'the header Host names another host than this one';
    return { caller, problem: requestProblem('wrong-host', detail) };
  }
  return { caller, ...judgeScope(route.scope, asking, house) };
}

interface Asking extends Pick<Verdict, 'caller'> {
  /** Undefined: nothing. */
  readonly held: Scope | undefined;
  /** Why the certificate that was shown opens nothing. */
  readonly refusal?: string;
}

/** Who shows a token and a certificate is who may do more of the two. */
function callerOf({ authorization, client }: Head, { tokens }: House): Asking {
  const byToken = scopeOf(authorization, tokens);
  const known = client?.();
  if (known === undefined) return { caller: byToken ?? 'anonymous', held: byToken };
  if ('refusal' in known) {
    return { caller: byToken ?? 'anonymous', held: byToken, refusal: known.refusal };
  }
  if (byToken !== undefined && allows(byToken, known.scope)) {
    return { caller: byToken, held: byToken };
  }
  return { caller: `certificate:${known.name}`, held: known.scope };
}

/** Whether only programs on this machine can connect. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/**
 * Against DNS rebinding: a web page may let a name of its own point to 127.0.0.1, and then reads
 * answers as its own. Its name in the header Host gives it away. Behind another address anybody
 * may have a name for this host, and tokens keep the door.
 */
function isHostKnown(host: string | undefined, listenHost: string): boolean {
  if (!isLoopback(listenHost)) return true;
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d{1,5})?$/i.exec(host ?? '')?.[1]?.toLowerCase();
  const bare = name?.replace(/^\[|\]$/g, '');
  return bare !== undefined && ['localhost', '127.0.0.1', '::1', listenHost].includes(bare);
}

function wrongMethod(known: readonly Route[]): Pick<Verdict, 'problem' | 'headers'> {
  const allow = known.map(({ method }) => (method === 'GET' ? 'GET, HEAD' : method)).join(', ');
  const detail = 'this path does not know the method';
  return { problem: requestProblem('method-not-allowed', detail), headers: { allow } };
}

function judgeScope(
  needed: Scope,
  { caller, held, refusal }: Asking,
  house: House,
): Pick<Verdict, 'problem' | 'headers'> {
  if (held !== undefined && allows(held, needed)) return {};
  if (needed === 'read' && !isKept('read', house) && isLoopback(house.listenHost)) return {};
  if (!scopes.some((scope) => allows(scope, needed) && isKept(scope, house))) {
    const hint = `Set http.tokens.${needed} to allow ${needed === 'read' ? 'it' : 'them'}.`;
    return { problem: requestProblem('token-refused', closed[needed], hint) };
  }
  if (held !== undefined) {
    const means = caller.startsWith('certificate:') ? 'certificate' : 'token';
    const detail = `the ${means} allows ${held === 'read' ? 'reading only' : 'no restores'}`;
    const hint = `Use the token of http.tokens.${needed}.`;
    return { problem: requestProblem('token-refused', detail, hint) };
  }
  return {
    problem: requestProblem('token-missing', refusal ?? 'the call needs a token'),
    headers: { 'www-authenticate': 'Bearer realm="etcd-backupd"' },
  };
}

/** Whether anybody has been named who has the scope. */
function isKept(scope: Scope, { tokens, clients }: House): boolean {
  return tokens[scope] !== undefined || (clients?.[scope]?.length ?? 0) > 0;
}

const closed: Record<Scope, string> = {
  read: 'the API is reachable from other machines and has no read token',
  operate: 'calls that change anything are switched off: there is no operate token',
  restore: 'restores over the API are switched off: there is no restore token',
};
