import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  compareVersions,
  etcdCache,
  findEtcd,
  fits,
  installedEtcd,
  parseVersion,
} from '../../setup/binaries.ts';
import { releaseFor } from '../../setup/golang.ts';

function freshDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'etcd-backupd-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function putProgram(path: string, text = '#!/bin/sh\n'): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

function cacheOf(versions: readonly string[]): NodeJS.ProcessEnv {
  const cache = freshDir();
  for (const version of versions) {
    const dir = join(cache, 'etcd', version);
    mkdirSync(dir, { recursive: true });
    putProgram(join(dir, 'etcd'));
    putProgram(join(dir, 'etcdctl'));
  }
  return { ETCD_BACKUPD_CACHE: cache, PATH: '' };
}

describe('the version of an etcd', () => {
  test.each([
    ['etcd Version: 3.5.30\nGit SHA: Not provided\nGo Version: go1.24.4\n', '3.5.30'],
    ['etcdctl version: 3.4.23\nAPI version: 3.4\n', '3.4.23'],
    ['3.5.16', '3.5.16'],
    ['Go Version: go1.24.4', undefined],
    ['3.5', undefined],
    ['', undefined],
  ])('in %j is %s', (text, version) => {
    expect(parseVersion(text)).toBe(version);
  });

  test('orders by number and not by letter', () => {
    const sorted = ['3.5.9', '3.10.0', '3.5.30'].sort(compareVersions);

    expect(sorted).toEqual(['3.5.9', '3.5.30', '3.10.0']);
  });

  test('fits its minor and itself only', () => {
    const wanted = ['3.5', '3.5.30', '3.5.3', '3', '3.4'];

    expect(wanted.filter((one) => fits('3.5.30', one))).toEqual(['3.5', '3.5.30', '3']);
  });

  test('is chosen by Go for a minor that has a pinned release', () => {
    expect(releaseFor('3.6')).toMatch(/^3\.6\.\d+$/);
    expect(releaseFor('3.6.1')).toBe('3.6.1');
    expect(releaseFor('3.9')).toBeUndefined();
  });
});

describe('the cache', () => {
  test('lies where the environment says', () => {
    expect(etcdCache({ ETCD_BACKUPD_CACHE: '/c', XDG_CACHE_HOME: '/x' })).toBe('/c/etcd');
    expect(etcdCache({ ETCD_BACKUPD_CACHE: '', XDG_CACHE_HOME: '/x' })).toBe(
      '/x/etcd-backupd/etcd',
    );
    expect(etcdCache({})).toMatch(/\.cache\/etcd-backupd\/etcd$/);
  });

  test('may be missing', () => {
    expect(installedEtcd({ ETCD_BACKUPD_CACHE: '/nonexistent', PATH: '' })).toEqual([]);
  });

  test('lists the newest first and finds the newest of a minor', () => {
    const installed = installedEtcd(cacheOf(['3.5.9', '3.4.23', '3.5.30']));

    expect(installed.map((one) => one.version)).toEqual(['3.5.30', '3.5.9', '3.4.23']);
    expect(findEtcd('3.5', installed)?.version).toBe('3.5.30');
    expect(findEtcd('3.5.9', installed)?.version).toBe('3.5.9');
    expect(findEtcd('3.6', installed)).toBeUndefined();
  });

  test('leaves out folders without both programs and folders under construction', () => {
    const env = cacheOf(['3.5.30', '.new-abc', '3.6.1']);
    rmSync(join(etcdCache(env), '3.6.1', 'etcdctl'));

    expect(installedEtcd(env).map((one) => one.version)).toEqual(['3.5.30']);
  });

  test('names etcdutl only where it is', () => {
    const env = cacheOf(['3.5.30', '3.4.23']);
    putProgram(join(etcdCache(env), '3.5.30', 'etcdutl'));

    const [newer, older] = installedEtcd(env);

    expect(newer?.etcdutl).toBe(join(etcdCache(env), '3.5.30', 'etcdutl'));
    expect(older).not.toHaveProperty('etcdutl');
    expect(newer).toMatchObject({ minor: '3.5', dir: join(etcdCache(env), '3.5.30') });
  });
});

describe('an etcd on PATH', () => {
  test('counts with the version that it says', () => {
    const dir = freshDir();
    putProgram(join(dir, 'etcd'), '#!/bin/sh\necho "etcd Version: 3.6.2"\n');
    putProgram(join(dir, 'etcdctl'));

    const installed = installedEtcd({ ...cacheOf(['3.5.30']), PATH: `/nonexistent:${dir}` });

    expect(installed.map((one) => one.version)).toEqual(['3.6.2', '3.5.30']);
    expect(installed[0]?.dir).toBe(dir);
  });

  test('does not count if it does not run', () => {
    const dir = freshDir();
    putProgram(join(dir, 'etcd'), '#!/bin/sh\nexit 1\n');
    putProgram(join(dir, 'etcdctl'));

    expect(installedEtcd({ ETCD_BACKUPD_CACHE: '/nonexistent', PATH: dir })).toEqual([]);
  });
});
