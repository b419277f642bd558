/** How long a certificate is good, and when its successor is due. */

export interface Validity {
  readonly validFrom: Date;
  readonly expiresAt: Date;
}

/** Long enough to order a new one from whoever needs a week for it. */
const longestNoticeMs = 30 * 24 * 60 * 60_000;

export function lifetimeMs({ validFrom, expiresAt }: Validity): number {
  return expiresAt.getTime() - validFrom.getTime();
}

/**
 * Whether less than a tenth of its life is left, and less than 30 days. Whoever renews by itself
 * has done so before, whether it signs for a day or for a year. The alert has the same rule.
 */
export function isRenewalDue(validity: Validity, now: Date): boolean {
  const noticeMs = Math.min(lifetimeMs(validity) / 10, longestNoticeMs);
  return validity.expiresAt.getTime() - now.getTime() < noticeMs;
}
