/** What the admin API shows of itself, as numbers. */
import type { Observe } from '../core/events.ts';
import { type Series, unixSeconds } from './series.ts';

export function watchHttp(series: Series): Observe {
  const expiry = series.gauge(
    'http_certificate_expiry_timestamp_seconds',
    'Unix time at which the certificate that the admin API shows expires. 0: it speaks plain ' +
      'http, or does not listen.',
  );
  return (event) => {
    if (event.kind === 'http-certificate-read') expiry.set(unixSeconds(event.expiresAt));
  };
}
