import { describe, expect, test } from 'vitest';
import { leastYaml, load, problemsOf } from './loading.ts';

describe('the problems of a configuration', () => {
  test('are told all at once, with key, value, reason, place and example', () => {
    const yaml = `
cluster:
  name: prod
  endpoints: [https://10.0.0.1:2379, "etcd-2:2379"]
schedule: { jitter: 5 }
stores:
  - { name: local, type: tape, path: /var/backups/etcd }
`;

    const told = () =>
      load({ yaml, env: { ETCD_BACKUPD_LOG_LEVEL: 'loud' }, flags: ['--spool.dir=x'] });

    expect(told).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        message: `5 problems in the configuration

  cluster.endpoints[1] = "etcd-2:2379"
    must begin with http:// or https://
    from: conf.yaml:4:38
    example: https://10.0.0.1:2379

  schedule.jitter = "5"
    a duration needs a unit: ms, s, m, h, d or w
    from: conf.yaml:5:21
    example: 2m

  stores[0].type = "tape"
    must be one of file, nfs, s3
    from: conf.yaml:7:26
    example: file

  log.level = "loud"
    must be one of trace, debug, info, warn, error, fatal
    from: environment variable ETCD_BACKUPD_LOG_LEVEL
    example: info

  spool.dir = "x"
    must be an absolute path: begin it with /
    from: flag --spool.dir
    example: /var/lib/etcd-backupd/spool`,
      }),
    );
  });

  test('name what is missing and every place to set it', () => {
    expect(problemsOf({ yaml: 'stores: [{ name: a }]' })).toEqual([
      'cluster.name\n  is required: set it in the file, in ETCD_BACKUPD_CLUSTER_NAME or by ' +
        '--cluster.name\n  example: prod',
      'cluster.endpoints\n  is required: set it in the file, in ETCD_BACKUPD_CLUSTER_ENDPOINTS ' +
        'or by --cluster.endpoints\n  example: ' +
        'https://10.0.0.1:2379,https://10.0.0.2:2379,https://10.0.0.3:2379',
      'stores[0].type\n  is required: set it there\n  from: conf.yaml:1:10\n  example: file',
    ]);
  });

  test.each([
    ['nothing', 'stores:'],
    ['an empty list', 'stores: []'],
  ])('say that there is no store when stores is %s', (_, stores) => {
    const [problem] = problemsOf({
      yaml: `cluster: { name: a, endpoints: "https://a:1" }\n${stores}`,
    });

    expect(problem).toContain('stores\n');
    expect(problem).toContain('example: [{ name: local, type: file, path: /var/backups/etcd }]');
  });

  test('tell a missing thing once, not also as missing inside it', () => {
    const yaml = `cluster: 5\n${leastYaml.slice(leastYaml.indexOf('stores'))}`;

    expect(problemsOf({ yaml })).toEqual([
      'cluster\n  must be a section: lines of "key: value" under it\n  from: conf.yaml:1:10',
    ]);
  });

  test.each([
    ['a misspelt key', 'schedule: { jiter: 5s }', 'schedule.jiter', 'schedule.jitter'],
    ['a key of another case', 'log: { Level: info }', 'log.Level', 'log.level'],
    ['a misspelt section', 'retension: { daily: 3 }', 'retension', 'retention'],
    ['a key in the wrong section', 'keepLast: 3', 'keepLast', 'retention.keepLast'],
    ['swapped letters', 'spool: { idr: /a }', 'spool.idr', 'spool.dir'],
  ])('guess what was meant by %s', (_, line, key, meant) => {
    const [problem] = problemsOf({ yaml: `${leastYaml}${line}` });

    expect(problem).toContain(
      `${key}\n  is not a key of the configuration; did you mean ${meant}?`,
    );
  });

  test.each([
    ['a store', leastYaml.replace('path', 'pth'), 'stores[0].pth', 'stores[0].path'],
    [
      "a store's retention",
      leastYaml.replace('name: local', 'name: local, retention: { dayly: 3 }'),
      'stores[0].retention.dayly',
      'stores[0].retention.daily',
    ],
  ])('guess what was meant in %s', (_, yaml, key, meant) => {
    expect(problemsOf({ yaml })[0]).toContain(
      `${key}\n  is not a key of the configuration; did you mean ${meant}?`,
    );
  });

  test('do not guess where nothing is near', () => {
    expect(problemsOf({ yaml: `${leastYaml}zebra: 1` })).toEqual([
      'zebra\n  is not a key of the configuration\n  from: conf.yaml:7:1',
    ]);
  });

  test.each(['toString', 'constructor', '__proto__'])('know no key named %s', (key) => {
    expect(problemsOf({ yaml: `${leastYaml}${key}: {}` })[0]).toContain(
      `${key}\n  is not a key of the configuration`,
    );
  });

  test('name unknown variables and flags, and what was meant', () => {
    const env = { ETCD_BACKUPD_SCHEDULE_CRN: '1' };

    expect(problemsOf({ env, flags: ['--cluster.endpoint=x'] })).toEqual([
      'ETCD_BACKUPD_SCHEDULE_CRN\n  is not a key of the configuration; ' +
        'did you mean ETCD_BACKUPD_SCHEDULE_CRON?\n  from: environment',
      'cluster.endpoint\n  is not a key of the configuration; ' +
        'did you mean cluster.endpoints?\n  from: flag --cluster.endpoint',
    ]);
  });

  test('name a flag that is given twice', () => {
    expect(problemsOf({ flags: ['--log.level=info', '--log.level=warn'] })).toEqual([
      'log.level\n  is given more than once; only one of them can hold\n  from: flag --log.level',
    ]);
  });

  test('name an empty variable', () => {
    expect(problemsOf({ env: { ETCD_BACKUPD_LOG_LEVEL: '' } })[0]).toContain(
      'log.level = ""\n  is empty\n  from: environment variable ETCD_BACKUPD_LOG_LEVEL',
    );
  });

  test('tell a wrong text of the file even where a flag stands over it', () => {
    const given = { yaml: `${leastYaml}log: { level: loud }`, flags: ['--log.level=info'] };

    expect(problemsOf(given)).toHaveLength(1);
  });

  test('ask the scheduler whether it takes the cron text', () => {
    expect(problemsOf({ flags: ['--schedule.cron=75 * * * *'] })[0]).toContain(
      'is not what node-cron takes',
    );
  });

  test.each([
    ['cluster.auth.password', 'cluster: { auth: { password: hunter2 } }', [], {}],
    ['cluster.auth.passwordFile', '', ['--cluster.auth.passwordFile=hunter2'], {}],
    ['http.tokens.read', '', [], { ETCD_BACKUPD_HTTP_TOKENS_READ: 'hunter2' }],
    [
      'ETCD_BACKUPD_CLUSTER_AUTH_PASSWORD',
      '',
      [],
      { ETCD_BACKUPD_CLUSTER_AUTH_PASSWORD: 'hunter2' },
    ],
    ['cluster.endpoints[0]', '', ['--cluster.endpoints=https://u:hunter2@a:1'], {}],
    ['file', 'cluster: "hunter2', [], {}],
    ['file', 'cluster: |hunter2', [], {}],
    ['file', 'cluster: *hunter2', [], {}],
  ])('never show a secret that was put into %s', (key, line, flags, env) => {
    const yaml = line.startsWith('cluster') ? line : leastYaml;
    const told = problemsOf({ yaml, flags, env }).join('\n');

    expect(told).toContain(key);
    expect(told).not.toContain('hunter2');
  });
});

describe('a file that is no YAML', () => {
  test.each([
    ['a key that is there twice', 'log:\n  level: info\n  level: warn', '9:3', 'a second time'],
    ['a quote that never ends', 'a: "x', '7:6', 'Missing closing "quote'],
    ['a tab', 'log:\n\tlevel: info', '8:1', 'a tab indents the line'],
    ['a bare cron text', 'schedule:\n  cron: * * * * *', '8:9', 'begins with * needs quotes'],
    ['an alias', 'log: &l { level: info }\nspool: *l', '8:8', 'aliases (*name) are not read'],
    ['a tag', 'log: { level: !x info }', '7:15', 'tags (!name) are not read'],
    ['a key that is a list', '? [a]\n: b', '7:3', 'all keys must be strings'],
    ['a second document', '---\nlog: {}', '7:1', 'a second document begins'],
  ])('is told with line and column: %s', (_, lines, place, reason) => {
    const told = problemsOf({ yaml: `${leastYaml}${lines}` }).join('\n');

    expect(told).toContain(`from: conf.yaml:${place}`);
    expect(told).toContain(reason);
  });

  test('and no section is one problem', () => {
    expect(problemsOf({ yaml: '- a' })).toEqual([
      'file\n  must be a section: lines of "key: value" under it\n  from: conf.yaml:1:1',
    ]);
  });

  test('hides no problem of flags, and reports nothing as missing', () => {
    const told = problemsOf({ yaml: 'a: "x', flags: ['--log.level=loud'] });

    expect(told.map((problem) => problem.split('\n')[0])).toEqual(['file', 'log.level = "loud"']);
  });
});
