import { createHash, timingSafeEqual } from 'node:crypto';
import type { TokenSources } from './sources.ts';

/** What a token allows. `operate` includes `read`. */
export type Scope = 'read' | 'operate';

/** The scope of the bearer token in an Authorization header; undefined for none or a wrong one. */
export function scopeOf(header: string | undefined, tokens: TokenSources): Scope | undefined {
  const given = /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
  if (given === undefined) return undefined;
  // Both are compared whatever the first says: the time taken tells nothing.
  const operate = equal(given, tokens.operate?.());
  const read = equal(given, tokens.read?.());
  if (operate) return 'operate';
  return read ? 'read' : undefined;
}

/** Of digests, because timingSafeEqual wants equal lengths and must not tell the right one. */
function equal(given: string, expected: string | undefined): boolean {
  // What is given is never empty, so a token that is not there equals nothing.
  return timingSafeEqual(digest(given), digest(expected ?? ''));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
