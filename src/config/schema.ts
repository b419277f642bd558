/**
 * Every key that an operator can set, once: text for people, format, default. The loader, the
 * reference, the example file, the names of variables and flags all come from here.
 */
import { backupSections } from './backup-schema.ts';
import { type HttpScope, logLevels } from './config.ts';
import { listing, optional, required, type SettingsOf, section, setting } from './entry.ts';
import { choice, duration, listOf, matching, nameLike, truth } from './formats.ts';
import { httpClients, httpTls } from './http-schema.ts';
import { notifySection } from './notify-schema.ts';
import { absolutePath, endpoint, listenAddress, serverName } from './places.ts';
import { restoreSections } from './restore-schema.ts';
import { scrubSection } from './scrub-schema.ts';
import { retentionSection, storeSection } from './store-schema.ts';

const minuteMs = 60_000;

const plainText = matching({
  name: 'text',
  example: 'etcd-1',
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  pattern: /^[^\u0000-\u001f\u007f]{1,255}$/,
  reason: 'must be 1 to 255 characters without line breaks',
});

const tls = section(
  'For https endpoints. The files are read again when they change, so certificates may rotate ' +
    'while the daemon runs.',
  {
    ca: optional(
      absolutePath,
      'Certificates of the authorities that signed the certificates of the members, as PEM. ' +
        "Without it the system's own authorities are trusted.",
      { shown: '/etc/etcd-backupd/tls/ca.crt' },
    ),
    cert: optional(
      absolutePath,
      'Client certificate as PEM, for clusters with --client-cert-auth. Needs key.',
      { shown: '/etc/etcd-backupd/tls/client.crt' },
    ),
    key: optional(absolutePath, 'Private key of cert as PEM, without a passphrase. Needs cert.', {
      shown: '/etc/etcd-backupd/tls/client.key',
      secret: true,
    }),
    serverName: optional(
      serverName,
      'Name that the certificates of the members must carry, where it is not the host of the ' +
        'endpoint.',
      { example: 'etcd.example.org' },
    ),
  },
);

const auth = section(
  'For clusters with authentication switched on. The user needs the role root: etcd gives ' +
    'snapshots to nobody else.',
  {
    username: optional(plainText, 'Name of the etcd user. Needs passwordFile.', {
      example: 'backup',
    }),
    passwordFile: optional(
      absolutePath,
      'File with the password of the user on one line. Read at each login, so it may rotate.',
      { example: '/etc/etcd-backupd/password', secret: true },
    ),
  },
);

const cluster = section('The etcd cluster to back up.', {
  name: required(
    nameLike('prod'),
    'Name of the cluster in manifests, logs and lists. Backups are found by the id that etcd ' +
      'gave the cluster, so the name may be changed later.',
    { shown: 'prod' },
  ),
  endpoints: required(
    listOf(endpoint, 'list of http:// or https:// URLs with host and port'),
    'Client URLs of the members, best of all of them: one gives the snapshot, the others are ' +
      'asked whether they hold the same. All http or all https.',
    { shown: 'https://10.0.0.1:2379,https://10.0.0.2:2379,https://10.0.0.3:2379' },
  ),
  localMember: optional(
    plainText,
    'Name or id of the member on this host. It is the first choice where it is fit, because its ' +
      'snapshot does not travel over the network. Daemons that share a store take turns by it: ' +
      'see schedule.grace.',
    { example: 'etcd-1' },
  ),
  requestTimeout: setting(
    duration({ min: 100, max: 10 * minuteMs }),
    '5s',
    'Longest wait for an answer of a member to anything but a snapshot; twelve times as long for ' +
      'its content hash. Too short, and a busy member counts as down.',
  ),
  tls,
  auth,
});

const token = (scope: HttpScope, doc: string) =>
  optional(
    absolutePath,
    `File with the bearer token for ${doc} One line, read at each request, so it may rotate.`,
    { example: `/etc/etcd-backupd/tokens/${scope}`, secret: true },
  );

const http = section('Metrics, health and the admin API.', {
  enabled: setting(truth, 'true', 'Whether to listen at all. Needs a restart.'),
  listen: setting(
    listenAddress,
    '127.0.0.1:9379',
    'Address to listen on. Any other than a loopback address needs a token or a client of ' +
      'http.clients. Port 0 takes a free port. Needs a restart.',
  ),
  tls: httpTls,
  tokens: section('Who may call what. Health and metrics need no token.', {
    read: token(
      'read',
      'calls that only read. Without it they need no token on a loopback address and the ' +
        'operate token elsewhere.',
    ),
    operate: token(
      'operate',
      'calls that change something, and for reading. Without it nobody can make such calls.',
    ),
    restore: token(
      'restore',
      'restores and drills, and for all other calls. Without it nobody can make such calls.',
    ),
  }),
  clients: httpClients,
});

const log = section('Log lines, one per event.', {
  level: setting(
    choice(logLevels),
    'info',
    'Least severe level that is written. fatal: nothing but the calls that change something, ' +
      'which are written at every level.',
  ),
  pretty: setting(truth, 'false', 'Whether lines are for eyes instead of JSON.'),
});

export const schema = section('', {
  cluster,
  ...backupSections,
  stores: listing(
    'Where backups are kept: each store gets every backup, and a failed store never fails the ' +
      'others. At least one.',
    storeSection,
  ),
  retention: retentionSection,
  scrub: scrubSection,
  ...restoreSections,
  notify: notifySection,
  http,
  log,
});

/** Settings by their keys in the schema: base units already, but nothing compared yet. */
export type Settings = SettingsOf<typeof schema>;
