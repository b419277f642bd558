/** Who a client certificate is, and what it may: decided by names in it, never by its authority. */
import type { X509Certificate } from 'node:crypto';
// Must be loaded before the first `toLegacyObject`: Node.js 24.21 loads its parts in a circle then,
// and `createSecureContext` is missing in the whole process.
import 'node:tls';
import type { ClientNames } from './sources.ts';
import type { Shown } from './tls.ts';
import { type Scope, scopes } from './tokens.ts';

export interface Client {
  /** As the configuration writes it. */
  readonly name: string;
  readonly scope: Scope;
}

/** The client, or in few words why the certificate opens nothing. */
export function clientOf(
  { certificate, fault }: Shown,
  { names, now }: { readonly names: ClientNames; readonly now: Date },
): Client | { readonly refusal: string } {
  if (fault !== undefined) return { refusal: `the client certificate does not count: ${fault}` };
  // A connection may be older than that.
  if (certificate.validToDate <= now) return { refusal: 'the client certificate has expired' };
  const own = namesIn(certificate);
  for (const scope of scopes.toReversed()) {
    const name = names[scope]?.find((one) => own.has(one));
    if (name !== undefined) return { name, scope };
  }
  return { refusal: 'no name in the client certificate is one of http.clients' };
}

const kinds: Readonly<Record<string, string>> = { DNS: 'dns', URI: 'uri', email: 'email' };

/** All names, as they are written in the configuration. */
export function namesIn(certificate: X509Certificate): ReadonlySet<string> {
  const names = new Set<string>();
  const { CN } = certificate.toLegacyObject().subject ?? {};
  // Of several common names nobody knows which one the authority has looked at. And one must not
  // pass for an alternative name, which authorities check by other rules.
  if (typeof CN === 'string' && !/^(dns|uri|email):/.test(CN)) names.add(CN);
  for (const { kind, value } of alternativeNames(certificate.subjectAltName ?? '')) {
    const prefix = kinds[kind];
    if (prefix !== undefined) names.add(`${prefix}:${value}`);
  }
  return names;
}

/**
 * Node.js joins them by commas, and writes a name in which a comma, a quote or the like would
 * deceive as a JSON text. What does not look so ends the list: half-understood names open nothing.
 */
function* alternativeNames(text: string): Generator<{ kind: string; value: string }> {
  const one = /([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^",]*))(?:, |$)/y;
  for (let found = one.exec(text); found !== null; found = one.exec(text)) {
    const [, kind = '', quoted, plain = ''] = found;
    yield { kind, value: quoted === undefined ? plain : String(JSON.parse(quoted)) };
  }
}
