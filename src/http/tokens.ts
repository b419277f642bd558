import { createHash, timingSafeEqual } from 'node:crypto';
import type { TokenSources } from './sources.ts';

/** What a token allows; each includes those before it. */
export const scopes = ['read', 'operate', 'restore'] as const;
export type Scope = (typeof scopes)[number];

export function allows(held: Scope, needed: Scope): boolean {
  return scopes.indexOf(held) >= scopes.indexOf(needed);
}

/** The scope of the bearer token in an Authorization header; undefined for none or a wrong one. */
export function scopeOf(header: string | undefined, tokens: TokenSources): Scope | undefined {
  const given = /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
  if (given === undefined) return undefined;
  // All are compared whatever the first says: the time taken tells nothing.
  return scopes.filter((scope) => equal(given, tokens[scope]?.())).at(-1);
}

/** Of digests, because timingSafeEqual wants equal lengths and must not tell the right one. */
function equal(given: string, expected: string | undefined): boolean {
  // What is given is never empty, so a token that is not there equals nothing.
  return timingSafeEqual(digest(given), digest(expected ?? ''));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
