import { describe, expect, test } from 'vitest';
import {
  changedKeys,
  isSameConfig,
  movedStores,
  requireReloadable,
} from '../../../src/config/changes.ts';
import type { LoadedConfig } from '../../../src/config/load.ts';
import { leastYaml, load } from './loading.ts';

const least = load({});
const withStores = (...stores: string[]): LoadedConfig => {
  const lines = stores.map((store) => `  - ${store}\n`);
  return load({ yaml: leastYaml.replace(/ {2}- .*\n/, lines.join('')) });
};
const local = '{ name: local, type: file, path: /var/backups/etcd }';

describe('changed keys', () => {
  test('are those with another value, wherever it comes from', () => {
    const next = load({
      env: { ETCD_BACKUPD_LOG_LEVEL: 'debug' },
      flags: ['--schedule.jitter=1m'],
    });

    expect(changedKeys(least, next)).toEqual(['schedule.jitter', 'log.level']);
    expect(changedKeys(next, least)).toEqual(['schedule.jitter', 'log.level']);
  });

  test('are none where only the place of a value is another', () => {
    const next = load({ flags: ['--cluster.name=prod'] });

    expect(changedKeys(least, next)).toEqual([]);
    expect(isSameConfig(least, next)).toBe(true);
  });

  test('name those of a store that came, and that went', () => {
    const next = withStores(local, '{ name: nas, type: file, path: /mnt/nas }');

    const came = changedKeys(least, next);

    expect(came).toEqual(expect.arrayContaining(['stores[1].name', 'stores[1].path']));
    expect(changedKeys(next, least)).toEqual(came);
    expect(isSameConfig(least, next)).toBe(false);
  });
});

describe('moved stores', () => {
  test.each([
    ['a new one', [local, '{ name: nas, type: file, path: /mnt/nas }'], ['nas']],
    ['one of the same name elsewhere', [local.replace('/etcd', '/other')], ['local']],
    ['one of another type', [local.replace('file', 'nfs')], ['local']],
    ['no one with another retention', [local.replace(' }', ', retention: { daily: 3 } }')], []],
    ['no one with another limit', [local.replace(' }', ', stallTimeout: 3m }')], []],
    ['no one that stays', [local], []],
  ] as const)('are %s', (_, stores, moved) => {
    expect(movedStores(least.config, withStores(...stores).config)).toEqual(moved);
  });

  test('are buckets with another prefix, but not with other parts', () => {
    const bucket = (prefix: string, more = '') =>
      withStores(
        `{ name: cloud, type: s3, s3: { bucket: backups, region: r1, prefix: ${prefix}${more} } }`,
      ).config;

    expect(movedStores(bucket('a'), bucket('b'))).toEqual(['cloud']);
    expect(movedStores(bucket('a'), bucket('a', ', partSize: 16MiB'))).toEqual([]);
  });
});

describe('settings that take a restart', () => {
  test.each([
    ['http.enabled', 'false', 'true'],
    ['http.listen', '127.0.0.1:1234', '127.0.0.1:9379'],
  ])('are refused with where the new value is from: %s', (key, value, before) => {
    const next = load({ flags: [`--${key}=${value}`, '--schedule.jitter=1m'] });

    const refused = () => requireReloadable(least, next);

    expect(refused).toThrow(
      `1 problem in the configuration\n\n  ${key} = "${value}"\n` +
        `    was ${before} at the start: restart the daemon to change it\n` +
        `    from: flag --${key}`,
    );
  });

  test('are all told at once', () => {
    const next = load({ flags: ['--http.enabled=false', '--http.listen=127.0.0.1:1234'] });

    expect(() => requireReloadable(least, next)).toThrow(
      /^2 problems .*\n\n {2}http\.enabled = (.*\n)+ {2}http\.listen = /,
    );
  });

  test('may stay, and all others may change', () => {
    const next = load({ flags: ['--log.level=debug', '--spool.dir=/tmp/spool'] });

    expect(() => requireReloadable(least, next)).not.toThrow();
  });
});
