/**
 * Who may ask what: decided from the head of a request, before a byte of its body is read. Pure,
 * so that every rule has a test without a socket.
 */
import { isIPv4 } from 'node:net';
import { type Problem, requestProblem } from './problem.ts';
import { matchesPath, type Route } from './route.ts';
import { routes } from './routes.ts';
import type { TokenSources } from './sources.ts';
import { allows, type Scope, scopeOf, scopes } from './tokens.ts';

export interface Head {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** The header Host. */
  readonly host: string | undefined;
  readonly authorization: string | undefined;
}

export interface House {
  readonly listenHost: string;
  readonly tokens: TokenSources;
}

export interface Verdict {
  readonly caller: Scope | 'anonymous';
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
  const caller = scopeOf(head.authorization, house.tokens) ?? 'anonymous';
  if (known.length === 0) return { caller, problem: requestProblem('not-found', 'no such path') };
  if (route === undefined) return { caller, ...wrongMethod(known) };
  if (!isHostKnown(head.host, house.listenHost)) {
    const detail = 'the header Host names another host than this one';
    return { caller, problem: requestProblem('wrong-host', detail) };
  }
  return { caller, ...judgeScope(route.scope, caller, house) };
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
  caller: Verdict['caller'],
  { tokens, listenHost }: House,
): Pick<Verdict, 'problem' | 'headers'> {
  if (caller !== 'anonymous' && allows(caller, needed)) return {};
  if (needed === 'read' && tokens.read === undefined && isLoopback(listenHost)) return {};
  if (!scopes.some((scope) => allows(scope, needed) && tokens[scope] !== undefined)) {
    const hint = `Set http.tokens.${needed} to allow ${needed === 'read' ? 'it' : 'them'}.`;
    return { problem: requestProblem('token-refused', closed[needed], hint) };
  }
  if (caller !== 'anonymous') {
    const detail = `the token allows ${caller === 'read' ? 'reading only' : 'no restores'}`;
    const hint = `Use the token of http.tokens.${needed}.`;
    return { problem: requestProblem('token-refused', detail, hint) };
  }
  return {
    problem: requestProblem('token-missing', 'the call needs a token'),
    headers: { 'www-authenticate': 'Bearer realm="etcd-backupd"' },
  };
}

const closed: Record<Scope, string> = {
  read: 'the API is reachable from other machines and has no read token',
  operate: 'calls that change anything are switched off: there is no operate token',
  restore: 'restores over the API are switched off: there is no restore token',
};
