import { describe, expect, test } from 'vitest';
import { leastYaml, load } from './loading.ts';

describe('a configuration', () => {
  test('of the least text has every default, in base units', () => {
    const { config } = load({});

    expect(config).toEqual({
      cluster: {
        name: 'prod',
        endpoints: ['https://10.0.0.1:2379'],
        tls: { ca: null, client: null, serverName: null },
        auth: null,
        localMember: null,
        requestTimeoutMs: 5_000,
      },
      schedule: {
        cron: '0 * * * *',
        timezone: 'UTC',
        jitterMs: 0,
        graceMs: 120_000,
        catchUp: true,
        skipUnchanged: false,
        maxSkipMs: 86_400_000,
        onStart: false,
        retries: 5,
        retryDelayMs: 30_000,
        retryDelayMaxMs: 600_000,
        drainLimitMs: 180_000,
      },
      source: {
        allowLeader: 'alone',
        maxLag: 1_000,
        stallTimeoutMs: 60_000,
        requireAgreement: 'auto',
        agreementMaxBytes: 8 * 2 ** 30,
        onMismatch: 'keep',
      },
      stores: [
        {
          name: 'local',
          type: 'file',
          path: '/var/backups/etcd',
          mountPoint: null,
          retention,
          limits,
          shared: false,
        },
      ],
      retention,
      seal: {
        compression: 'none',
        level: null,
        recipients: [],
        identityFile: null,
        signingKeyFile: null,
        trustedKeys: [],
      },
      spool: { dir: '/var/lib/etcd-backupd/spool', maxBytes: 0 },
      notify: {
        ping: {
          success: null,
          failure: null,
          method: 'GET',
          ca: null,
          insecureHttp: false,
          timeoutMs: 10_000,
          retries: 4,
        },
        webhooks: [],
      },
      http: {
        enabled: true,
        listen: { host: '127.0.0.1', port: 9379 },
        tls: null,
        tokens: { read: null, operate: null, restore: null },
        clients: { read: [], operate: [], restore: [] },
      },
      scrub: { cron: '17 2 * * *', withinMs: 2_592_000_000, repair: true },
      restore: { roots: [], before: [], after: [], programLimitMs: 120_000 },
      drill: { cron: null, etcdBinary: '/usr/local/bin/etcd', startLimitMs: 300_000 },
      heal: { enabled: true, cron: '17 * * * *' },
      log: { level: 'info', pretty: false },
    });
  });

  test('pairs the client certificate with its key, and the user with the password file', () => {
    const { config } = load({
      env: {
        ETCD_BACKUPD_CLUSTER_TLS_CERT: '/tls/client.crt',
        ETCD_BACKUPD_CLUSTER_TLS_KEY: '/tls/client.key',
        ETCD_BACKUPD_CLUSTER_AUTH_USERNAME: 'backup',
        ETCD_BACKUPD_CLUSTER_AUTH_PASSWORD_FILE: '/password',
      },
    });

    expect(config.cluster.tls.client).toEqual({ cert: '/tls/client.crt', key: '/tls/client.key' });
    expect(config.cluster.auth).toEqual({ username: 'backup', passwordFile: '/password' });
  });

  test('takes scrubs that never come, and checks the times of those that do', () => {
    const { config } = load({ env: { ETCD_BACKUPD_SCRUB_CRON: 'never' } });

    expect(config.scrub.cron).toBeNull();
    expect(() => load({ env: { ETCD_BACKUPD_SCRUB_CRON: '99 2 * * *' } })).toThrow(
      /scrub\.cron.*is not what node-cron takes/s,
    );
  });

  test('is frozen all the way down', () => {
    const { config } = load({});
    const store = config.stores[0] as { retention: { minimum: number } };

    expect(() => {
      store.retention.minimum = 0;
    }).toThrow(TypeError);
    expect(Object.isFrozen(config.cluster.endpoints)).toBe(true);
  });

  test.each([
    ['the file over the default', [], {}, 'warn'],
    ['the environment over the file', [], { ETCD_BACKUPD_LOG_LEVEL: 'error' }, 'error'],
    ['a flag over both', ['--log.level=debug'], { ETCD_BACKUPD_LOG_LEVEL: 'error' }, 'debug'],
  ])('holds %s', (_, flags, env, level) => {
    const { config } = load({ yaml: `${leastYaml}log: { level: warn }`, flags, env });

    expect(config.log.level).toBe(level);
  });

  test('needs no file when environment and flags say enough', () => {
    const { config } = load({
      yaml: null,
      env: { ETCD_BACKUPD_STORES: '[{"name": "a", "type": "file", "path": "/a"}]' },
      flags: ['--cluster.name=prod', '--cluster.endpoints', 'https://a:1, https://b:2'],
    });

    expect(config.cluster.endpoints).toEqual(['https://a:1', 'https://b:2']);
    expect(config.stores[0]).toMatchObject({ type: 'file', path: '/a' });
  });

  test('takes the stores of the strongest place alone, not some of each', () => {
    const yaml = leastYaml.replace('path:', 'retention: { daily: 99 }, path:');

    const { config } = load({
      yaml,
      flags: ['--stores=[{ name: other, type: file, path: /other }]'],
    });

    expect(config.stores.map((store) => [store.name, store.retention.daily])).toEqual([
      ['other', 7],
    ]);
  });

  test("lays a store's own retention over the global one rule by rule", () => {
    const { config } = load({
      yaml: `${leastYaml.trimEnd().replace(' }', ', retention: { daily: 30, keepWithin: 0 } }')}
retention: { daily: 1, weekly: 9 }`,
    });

    const { daily, weekly, keepWithinMs, monthly } = config.stores[0]?.retention ?? {};
    expect({ daily, weekly, keepWithinMs, monthly }).toEqual({
      daily: 30,
      weekly: 9,
      keepWithinMs: 0,
      monthly: 6,
    });
    expect(config.retention.daily).toBe(1);
  });

  test('keeps a number that stands for a name as it is written', () => {
    const { config } = load({ yaml: leastYaml.replace('prod', '007') });

    expect(config.cluster.name).toBe('007');
  });

  test('keeps a flag that looks like a number as it is written', () => {
    expect(load({ flags: ['--cluster.name=1e3'] }).config.cluster.name).toBe('1e3');
  });

  test('leaves a section at its defaults when all its lines are commented out', () => {
    expect(load({ yaml: `${leastYaml}schedule:\n  # cron: x\n` }).config.schedule.retries).toBe(5);
  });

  test('passes over the variables that Kubernetes makes for a Service of the same name', () => {
    const { config } = load({
      env: {
        ETCD_BACKUPD_SERVICE_HOST: '10.96.0.7',
        ETCD_BACKUPD_SERVICE_PORT_HTTP: '9379',
        ETCD_BACKUPD_PORT: 'tcp://10.96.0.7:9379',
        ETCD_BACKUPD_PORT_9379_TCP_ADDR: '10.96.0.7',
        ETCD_BACKUPD_METRICS_SERVICE_HOST: '10.96.0.8',
        ETCD_BACKUPD_CONFIG: '/etc/etcd-backupd/config.yaml',
      },
    });

    expect(config.cluster.name).toBe('prod');
  });

  test('warns of a password that crosses the network in clear', () => {
    const yaml = leastYaml.replace('https://10.0.0.1', 'http://10.0.0.1');
    const auth = ['--cluster.auth.username=a', '--cluster.auth.passwordFile=/p'];

    expect(load({ yaml, flags: auth }).warnings).toEqual([
      'cluster.auth: http endpoints, so the password crosses the network in clear',
    ]);
    expect(load({ yaml: yaml.replace('10.0.0.1', '127.0.0.1'), flags: auth }).warnings).toEqual([]);
  });

  test('makes a store of a bucket complete, from the little that it needs', () => {
    const { config } = load({
      flags: ['--stores=[{ name: cloud, type: s3, s3: { bucket: etcd-backups } }]'],
    });

    expect(config.stores[0]).toEqual({
      name: 'cloud',
      type: 's3',
      bucket: 'etcd-backups',
      prefix: '',
      region: 'us-east-1',
      endpoint: null,
      pathStyle: false,
      ca: null,
      credentials: null,
      partBytes: 8 * 2 ** 20,
      concurrency: 4,
      stallTimeoutMs: 30_000,
      checksums: 'auto',
      sse: 'none',
      kmsKeyId: null,
      customerKeyFile: null,
      storageClass: null,
      objectLock: null,
      retention: config.retention,
      limits,
      shared: true,
    });
  });

  test('gives each store its own limits, whatever its type', () => {
    const some = 'bandwidth: { upload: 10MiB, download: 1.5MB }, stallTimeout: 90s';
    const stores = `[{ name: a, type: file, path: /a, ${some} },
      { name: b, type: s3, s3: { bucket: etcd }, bandwidth: { upload: 64KiB } }]`;

    const { config } = load({ flags: [`--stores=${stores}`] });

    expect(config.stores.map((store) => store.limits)).toEqual([
      { upload: 10 * 2 ** 20, download: 1_500_000, stallMs: 90_000 },
      { ...limits, upload: 64 * 2 ** 10 },
    ]);
  });

  test('takes folders for those of one daemon and buckets for shared, unless told otherwise', () => {
    const stores = `[{ name: a, type: file, path: /a },
      { name: b, type: file, path: /b, shared: true },
      { name: c, type: nfs, path: /c },
      { name: d, type: s3, s3: { bucket: etcd } },
      { name: e, type: s3, s3: { bucket: other }, shared: false }]`;

    const { config } = load({ flags: [`--stores=${stores}`] });

    const shared = config.stores.filter((store) => store.shared).map(({ name }) => name);
    expect(shared).toEqual(['b', 'c', 'd']);
  });

  test('warns where a hung connection could never be tried again', () => {
    const stores = (stall: string) =>
      `--stores=[{ name: b, type: s3, s3: { bucket: etcd, stallTimeout: 1m }, stallTimeout: ${stall} }]`;

    expect(load({ flags: [stores('1m')] }).warnings).toEqual([
      'stores[0].stallTimeout: ends before s3.stallTimeout, so nothing is tried again',
    ]);
    expect(load({ flags: [stores('2m')] }).warnings).toEqual([]);
  });

  test('takes a folder on NFS with its limit, and a mount point where one is named', () => {
    const nfs = '{ name: nas, type: nfs, path: /mnt/nas/etcd, stallTimeout: 30s }';
    const disk = '{ name: disk, type: file, path: /mnt/disk/etcd, mountPoint: /mnt/disk }';

    const { config, warnings } = load({ flags: [`--stores=[${nfs}, ${disk}]`] });

    expect(config.stores).toMatchObject([
      { type: 'nfs', path: '/mnt/nas/etcd', mountPoint: null, limits: { stallMs: 30_000 } },
      { type: 'file', path: '/mnt/disk/etcd', mountPoint: '/mnt/disk' },
    ]);
    expect(warnings).toEqual([]);
  });

  test('takes the bucket to be in the path where the server is not that of Amazon', () => {
    const [own, told] = ['', ', pathStyle: false'].map((more) => {
      const s3 = `{ bucket: etcd, endpoint: "https://S3.example.org/"${more} }`;
      return load({ flags: [`--stores=[{ name: a, type: s3, s3: ${s3} }]`] }).config.stores[0];
    });

    expect(own).toMatchObject({ endpoint: 'https://s3.example.org', pathStyle: true });
    expect(told).toMatchObject({ pathStyle: false });
  });
});

const retention = {
  keepLast: 7,
  keepWithinMs: 86_400_000,
  hourly: 24,
  daily: 7,
  weekly: 4,
  monthly: 6,
  yearly: 0,
  minimum: 3,
  orphanGraceMs: 86_400_000,
};

const limits = { upload: null, download: null, stallMs: 300_000 };
