/** The part of the schema that is about stores in a bucket. */
import { checksumPolicies, encryptionKinds, lockModes } from './config.ts';
import { optional, section, setting } from './entry.ts';
import {
  choice,
  duration,
  type Format,
  integer,
  matching,
  refuse,
  size,
  truth,
} from './formats.ts';
import { absolutePath, splitAddress } from './places.ts';

const mib = 1024 * 1024;

const bucketName = matching({
  name: 'bucket name',
  example: 'etcd-backups',
  pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  reason: 'must be 3 to 63 lower case letters, digits, "." or "-"',
});

const prefixText = matching({
  name: 'names of letters, digits, ".", "_" and "-", joined by "/"',
  example: 'prod',
  pattern: /^(?=.{1,200}$)(?!\.+(\/|$))[A-Za-z0-9._-]+(\/(?!\.+(\/|$))[A-Za-z0-9._-]+)*$/,
  reason: 'must be letters, digits, ".", "_" or "-", joined by "/", without one at either end',
});

const serviceWord = matching({
  name: 'word of letters, digits, "_" and "-"',
  example: 'eu-central-1',
  pattern: /^[A-Za-z0-9_-]{1,63}$/,
  reason: 'must be 1 to 63 letters, digits, "_" or "-"',
});

const keyId = matching({
  name: 'id or name of a key',
  example: 'alias/etcd-backups',
  pattern: /^[A-Za-z0-9:/_.-]{1,255}$/,
  reason: 'must be an id, a name or an ARN',
});

const serverUrl: Format<string> = {
  name: 'http:// or https:// URL with host and perhaps port',
  example: 'https://s3.example.org',
  parse: (text) => {
    const [, scheme, rest = ''] = /^(https?):\/\/(.*)$/i.exec(text) ?? [];
    if (scheme === undefined) refuse('must begin with http:// or https://');
    if (rest.includes('@')) refuse('must not hold a user or password: use credentials');
    const authority = rest.replace(/\/$/, '');
    if (/[/?#]/.test(authority)) refuse('must end after the host and port: no path, no bucket');
    splitAddress(/:\d+$/.test(authority) ? authority : `${authority}:443`, 1);
    return `${scheme}://${authority}`.toLowerCase();
  },
};

const credentials = section(
  'The key for the server. Without these files the usual places are asked: variables of the ' +
    'environment (AWS_ACCESS_KEY_ID), the shared files of the AWS tools, web identity ' +
    '(AWS_WEB_IDENTITY_TOKEN_FILE), the container and the machine. Keys may rotate: all of it is ' +
    'read again, but for the environment.',
  {
    accessKeyIdFile: optional(absolutePath, 'File with the access key id on one line.', {
      example: '/etc/etcd-backupd/s3/access-key-id',
    }),
    secretAccessKeyFile: optional(absolutePath, 'File with the secret access key on one line.', {
      example: '/etc/etcd-backupd/s3/secret-access-key',
      secret: true,
    }),
    sessionTokenFile: optional(
      absolutePath,
      'File with the session token on one line, for keys that have one.',
      { example: '/etc/etcd-backupd/s3/session-token', secret: true },
    ),
  },
);

const objectLock = section(
  'For buckets with object lock: nobody can remove a backup before its time. What the retention ' +
    'rules would remove earlier is kept until its lock ends.',
  {
    mode: optional(
      choice(lockModes),
      'Governance can be lifted by those who have the right to; compliance by nobody. Needs days.',
    ),
    days: optional(integer({ min: 1, max: 36_500 }), 'Days that each object stays locked.', {
      example: '30',
    }),
  },
);

export const s3Section = section(
  'For type s3: a bucket of Amazon S3, or of any server that speaks its protocol.',
  {
    bucket: optional(bucketName, 'Bucket that keeps the backups. It must exist.'),
    prefix: optional(
      prefixText,
      'What stands before every name in the bucket. Several programs may share a bucket, each ' +
        'with a prefix of its own.',
    ),
    region: setting(serviceWord, 'us-east-1', 'Region of the bucket.', {
      example: 'eu-central-1',
    }),
    endpoint: optional(
      serverUrl,
      'URL of the server, where it is not that of Amazon S3 in the region.',
    ),
    pathStyle: optional(
      truth,
      'Whether the bucket is in the path of each URL and not in its host name. Without it: true ' +
        'where endpoint is set.',
    ),
    insecureHttp: setting(
      truth,
      'false',
      'Whether endpoint may be http, which sends every secret of the cluster in clear.',
    ),
    ca: optional(
      absolutePath,
      'Certificates of the authorities that signed the certificate of the server, as PEM. Read ' +
        "again when it changes. Without it the system's own authorities are trusted.",
      { example: '/etc/etcd-backupd/s3/ca.crt' },
    ),
    credentials,
    partSize: setting(
      size({ min: 5 * mib, max: 5 * 1024 * mib }),
      '8MiB',
      'Size of the parts that a larger backup is sent in. Made larger where there would be more ' +
        'than 10000 parts.',
    ),
    concurrency: setting(
      integer({ min: 1, max: 64 }),
      '4',
      'Parts on their way at once. This times partSize is the memory that a backup takes.',
    ),
    stallTimeout: setting(
      duration({ min: 1000, max: 3_600_000 }),
      '30s',
      'How long a connection may bring no byte before it is given up; three times as long while ' +
        'it takes bytes, of which the system holds some back.',
    ),
    checksums: setting(
      choice(checksumPolicies),
      'auto',
      'What the server is given to compare with what arrives. auto: for what is sent in parts ' +
        'a CRC-32C, of the whole object where the server can, and a SHA-256 for the rest. ' +
        'sha256: always that, which signs each part as well; some policies demand it. none: ' +
        'nothing, for servers that refuse it. A backup that the server did not compare is read ' +
        'back. "check" finds out what a server does.',
    ),
    sse: setting(
      choice(encryptionKinds),
      'none',
      'Encryption that the server is asked for. Many servers encrypt without being asked. With ' +
        'customer it is done with the key in customerKeyFile, which the server does not keep.',
    ),
    kmsKeyId: optional(keyId, 'Key of the service for sse: aws:kms; without it, its default.'),
    customerKeyFile: optional(
      absolutePath,
      'File with the key for sse: customer: 32 bytes, as they are or as base64. Read again at ' +
        'each use. Each backup is read with the key that it was put with: keep every key as long ' +
        'as its backups, and give a new one a prefix of its own.',
      { example: '/etc/etcd-backupd/s3/customer-key', secret: true },
    ),
    storageClass: optional(serviceWord, 'Storage class of the objects, as the server names it.', {
      example: 'STANDARD_IA',
    }),
    objectLock,
  },
);
