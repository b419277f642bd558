/** Settings of the admin API that concern TLS: what the daemon shows, and whom it knows by it. */
import type { HttpScope } from './config.ts';
import { optional, section } from './entry.ts';
import { listOf, matching } from './formats.ts';
import { absolutePath } from './places.ts';

export const httpTls = section(
  'Makes the address in http.listen speak https only, TLS 1.2 or newer. The files are read again ' +
    'when they change, so certificates may rotate while the daemon runs; a pair that cannot be ' +
    'used is told, and the one before stays in use.',
  {
    cert: optional(
      absolutePath,
      'Certificate that the daemon shows, as PEM, with those between it and the authority behind ' +
        'it. Needs key.',
      { example: '/etc/etcd-backupd/tls/server.crt' },
    ),
    key: optional(absolutePath, 'Private key of cert as PEM, without a passphrase. Needs cert.', {
      example: '/etc/etcd-backupd/tls/server.key',
      secret: true,
    }),
    clientCa: optional(
      absolutePath,
      'Certificates of the authorities that sign client certificates, as PEM. Nobody has to show ' +
        'one: probes and Prometheus are served without. Needs http.clients.',
      { example: '/etc/etcd-backupd/tls/client-ca.crt' },
    ),
  },
);

const subject = matching({
  name: 'name in a certificate',
  example: 'operator',
  // Letters, digits, punctuation, symbols and spaces; a SPIFFE id may have 2048.
  pattern: /^(?!(dns|uri|email):$)[\p{L}\p{N}\p{P}\p{S} ]{1,2048}$/u,
  reason: 'must be a common name, or a name behind dns:, uri: or email:',
});

const clients = (scope: HttpScope, doc: string) =>
  optional(
    listOf(subject, 'list of names in certificates'),
    `Client certificates for what http.tokens.${scope} is for: ${doc}.`,
    { example: scope === 'read' ? 'grafana,uri:spiffe://example.org/dashboard' : scope },
  );

export const httpClients = section(
  'Who may call what by a client certificate that http.tls.clientCa has signed, beside tokens. ' +
    'A name is the common name of the certificate; dns:NAME, uri:NAME and email:NAME are one of ' +
    'its alternative names. Capitals count, and there are no wildcards.',
  {
    read: clients('read', 'calls that only read'),
    operate: clients('operate', 'calls that change something, and reading'),
    restore: clients('restore', 'restores and drills, and all other calls'),
  },
);
