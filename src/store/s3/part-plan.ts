/** How a body is cut into parts. The limits are those of the S3 API. */

const mib = 1024 * 1024;
const mostParts = 10_000;

/** All parts but the last must have this many bytes. */
export const leastPartBytes = 5 * mib;

export interface PartPlan {
  readonly partBytes: number;
  readonly parts: number;
}

/**
 * Parts of the configured size, or larger ones in whole MiB where there would be too many of them.
 * One part means a single put.
 */
export function planParts(sizeBytes: number, configured: number): PartPlan {
  const needed = Math.ceil(sizeBytes / mostParts / mib) * mib;
  const partBytes = Math.max(configured, leastPartBytes, needed);
  return { partBytes, parts: Math.max(1, Math.ceil(sizeBytes / partBytes)) };
}
