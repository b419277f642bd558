import { describe, expect, test } from 'vitest';
import { configEffective } from '../../../src/config/effective.ts';
import { leastYaml, load } from './loading.ts';

const yaml = `${leastYaml.replace('path:', 'retention: { daily: 30 }, path:')}
log: { level: warn }
schedule: { cron: "*/5 * * * *" }
`;

describe('the effective configuration', () => {
  test('says where each value came from', () => {
    const loaded = load({
      yaml,
      env: { ETCD_BACKUPD_CLUSTER_LOCAL_MEMBER: 'null' },
      flags: ['--log.pretty'],
    });

    const text = configEffective(loaded).replaceAll(/\S*conf\.yaml/g, 'conf.yaml');

    expect(text).toContain('  name: prod  # conf.yaml:3:9\n');
    expect(text).toContain('  localMember: "null"  # environment variable ');
    expect(text).toContain('  pretty: true  # flag --log.pretty\n');
    expect(text).toContain('  retries: 5  # default\n');
    expect(text).toContain('    username: null  # default\n');
    expect(text).toContain('      daily: 30  # conf.yaml:');
    expect(text).toContain('      weekly: 4  # retention.weekly\n');
  });

  test('loads again to the same configuration', () => {
    const loaded = load({ yaml, flags: ['--cluster.endpoints=https://[::1]:1,https://b:2'] });

    expect(load({ yaml: configEffective(loaded) }).config).toEqual(loaded.config);
  });

  test('lists every key as plain facts for programs', () => {
    const { settings } = load({});

    expect(JSON.parse(JSON.stringify(settings))).toContainEqual({
      key: 'stores[0].retention.weekly',
      value: '4',
      origin: 'retention.weekly',
    });
  });
});
