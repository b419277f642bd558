/** Rules about stores: what each kind needs, and what two of them cannot share. */
import type { Rule } from './rule.ts';
import type { Settings } from './schema.ts';

/** What must hold of the store at `index`, alone and beside the earlier ones. */
export function storeRules(index: number): readonly Rule[] {
  const key = (name: string) => `stores[${index}].${name}`;
  const earlier = ({ stores }: Settings) => stores.slice(0, index);
  return [
    {
      keys: [key('name')],
      reason: (settings) => {
        const name = settings.stores[index]?.name;
        return earlier(settings).some((store) => store.name === name)
          ? 'is the name of an earlier store: names must be unique'
          : null;
      },
      example: `store-${index + 1}`,
    },
    {
      keys: [key('path'), key('type')],
      reason: ({ stores }) => {
        const store = stores[index];
        if (store === undefined) return null;
        if (store.type !== 's3') return store.path === null ? 'is required: set it there' : null;
        return store.path === null ? null : 'is for stores of types file and nfs: remove it';
      },
      example: '/var/backups/etcd',
    },
    {
      keys: [key('path')],
      reason: (settings) => {
        const path = settings.stores[index]?.path ?? '';
        const other = earlier(settings).find((store) => nest(path, store.path ?? ''));
        // Two stores in one folder would each remove the other's backups as their own.
        return other === undefined
          ? null
          : `is, holds or is inside the path of store ${other.name}`;
      },
      example: `/var/backups/etcd-${index + 1}`,
    },
    {
      keys: [key('path'), 'spool.dir'],
      reason: ({ stores, spool }) =>
        stores[index]?.path === spool.dir ? 'is spool.dir too: each needs its own folder' : null,
      example: '/var/backups/etcd',
    },
    mountRule(index),
    ...bucketRules(index),
  ];
}

function mountRule(index: number): Rule {
  return {
    keys: [`stores[${index}].mountPoint`, `stores[${index}].path`, `stores[${index}].type`],
    reason: ({ stores }) => {
      const { type, path, mountPoint } = stores[index] ?? {};
      if (mountPoint === null || mountPoint === undefined) return null;
      if (type === 's3') return 'is for stores of types file and nfs: remove it';
      // The root is always mounted: it would prove nothing, and its disk is the one to protect.
      if (/^\/+$/.test(mountPoint)) return 'is the root of the host, which is always mounted';
      return isInside(path ?? '', mountPoint) ? null : 'is not at or above path';
    },
    example: '/var/backups',
  };
}

function bucketRules(index: number): readonly Rule[] {
  const key = (name: string) => `stores[${index}].s3.${name}`;
  const type = `stores[${index}].type`;
  /** Rules of stores in a bucket say nothing about other stores. */
  const of = (reason: (s3: S3Settings, settings: Settings) => string | null) => {
    return (settings: Settings) => {
      const store = settings.stores[index];
      return store?.type === 's3' ? reason(store.s3, settings) : null;
    };
  };
  return [
    {
      keys: [key('bucket'), type],
      reason: of(({ bucket }) => (bucket === null ? 'is required: set it there' : null)),
      example: 'etcd-backups',
    },
    {
      keys: [key('prefix'), key('bucket'), key('endpoint'), type],
      reason: of((s3, { stores }) => {
        const other = stores.slice(0, index).find((store) => share(s3, store));
        return other === undefined ? null : `is, holds or is inside that of store ${other.name}`;
      }),
    },
    {
      keys: [key('endpoint'), key('insecureHttp'), type],
      reason: of(({ endpoint, insecureHttp }) =>
        endpoint?.startsWith('http:') === true && !insecureHttp
          ? 'is http, which sends backups in clear: write https, or set insecureHttp: true'
          : null,
      ),
      example: 'https://s3.example.org',
    },
    ...keyRules(key, of),
    ...encryptionRules(key, type, of),
    {
      keys: [key('objectLock.mode'), key('objectLock.days'), type],
      reason: of(({ objectLock: { mode, days } }) =>
        (mode === null) === (days === null) ? null : 'needs days beside it, and days need it',
      ),
      example: 'governance',
    },
    {
      keys: [key('checksums'), key('objectLock.mode'), type],
      reason: of(({ checksums, objectLock }) =>
        checksums === 'none' && objectLock.mode !== null
          ? 'is none, and locked objects need checksums'
          : null,
      ),
      example: 'auto',
    },
  ];
}

type S3Settings = Settings['stores'][number]['s3'];

function keyRules(
  key: (name: string) => string,
  of: (reason: (s3: S3Settings) => string | null) => Rule['reason'],
): readonly Rule[] {
  const halves = [key('credentials.accessKeyIdFile'), key('credentials.secretAccessKeyFile')];
  const [id = '', secret = ''] = halves;
  return [
    {
      keys: [id, secret],
      reason: of(({ credentials: { accessKeyIdFile, secretAccessKeyFile, sessionTokenFile } }) => {
        if ((accessKeyIdFile === null) !== (secretAccessKeyFile === null)) {
          return 'needs secretAccessKeyFile beside it, and that needs this';
        }
        return accessKeyIdFile === null && sessionTokenFile !== null
          ? 'is required: a session token belongs to a key'
          : null;
      }),
      example: '/etc/etcd-backupd/s3/access-key-id',
    },
  ];
}

function encryptionRules(
  key: (name: string) => string,
  type: string,
  of: (reason: (s3: S3Settings) => string | null) => Rule['reason'],
): readonly Rule[] {
  return [
    {
      keys: [key('kmsKeyId'), key('sse'), type],
      reason: of(({ kmsKeyId, sse }) =>
        kmsKeyId !== null && sse !== 'aws:kms' ? 'needs sse: aws:kms beside it' : null,
      ),
    },
    {
      keys: [key('customerKeyFile'), key('sse'), type],
      reason: of(({ customerKeyFile, sse }) => {
        if (sse === 'customer')
          return customerKeyFile === null ? 'is required: set it there' : null;
        return customerKeyFile === null ? null : 'needs sse: customer beside it';
      }),
      example: '/etc/etcd-backupd/s3/customer-key',
    },
  ];
}

/** Whether two stores would see each other's objects. */
function share(s3: S3Settings, other: Settings['stores'][number]): boolean {
  if (other.type !== 's3' || s3.bucket !== other.s3.bucket) return false;
  if (s3.endpoint !== other.s3.endpoint) return false;
  return nest(`/${s3.prefix ?? ''}`, `/${other.s3.prefix ?? ''}`);
}

/** What is allowed in stores and worth a line at each start. */
export function storeRisks({ stores }: Settings): readonly string[] {
  return stores.flatMap(({ type, s3, stallTimeout }, index) => {
    if (type !== 's3' && s3.bucket !== null) {
      return [`stores[${index}].s3: has no effect on a store of type ${type}`];
    }
    if (type !== 's3') return [];
    const isClear = s3.endpoint?.startsWith('http:') === true;
    const isHasty = stallTimeout <= s3.stallTimeout;
    return [
      ...(isClear
        ? [`stores[${index}].s3.endpoint: http, so backups cross the network in clear`]
        : []),
      ...(isHasty
        ? [`stores[${index}].stallTimeout: ends before s3.stallTimeout, so nothing is tried again`]
        : []),
    ];
  });
}

function nest(one: string, other: string): boolean {
  return isInside(one, other) || isInside(other, one);
}

/** Also true of the folder itself. */
function isInside(path: string, folder: string): boolean {
  return path !== '' && folder !== '' && `${path}/`.startsWith(folder.replace(/\/?$/, '/'));
}
