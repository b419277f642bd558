/** How long the certificates are good that this program shows, as numbers. */
import type { Observe } from '../core/events.ts';
import { lifetimeMs } from '../core/validity.ts';
import { type Series, unixSeconds } from './series.ts';

const shown = ['api', 'cluster'] as const;

export function watchCertificates(series: Series): Observe {
  const expiry = series.gauge(
    'certificate_expiry_timestamp_seconds',
    'Unix time at which a certificate expires that this program shows. api: on http.listen. ' +
      'cluster: to members. 0: it shows none, or has not read it since its configuration changed.',
    ['certificate'],
  );
  const lifetime = series.gauge(
    'certificate_lifetime_seconds',
    'How long that certificate is good, from its first day to its last. 0: as for its expiry.',
    ['certificate'],
  );
  const forget = (certificate: (typeof shown)[number]): void => {
    expiry.set({ certificate }, 0);
    lifetime.set({ certificate }, 0);
  };
  shown.forEach(forget);
  return (event) => {
    // The members of another configuration may be shown another one, which is told at the next look
    // at them; of an unchanged configuration nothing is told again. The listener stays.
    if (event.kind === 'config-reloaded' && event.changed.length > 0) forget('cluster');
    if (event.kind !== 'certificate-read') return;
    const certificate = event.of;
    expiry.set({ certificate }, unixSeconds(event.expiresAt));
    lifetime.set({ certificate }, lifetimeMs(event) / 1000);
  };
}
