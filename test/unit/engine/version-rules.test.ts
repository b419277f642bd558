import { describe, expect, test } from 'vitest';
import { judgeVersions } from '../../../src/engine/version-rules.ts';

describe('a backup is for an etcd that is', () => {
  test.each([
    ['3.5.30', '3.5.30', '3.5'],
    ['3.5.30', '3.5.0', '3.5'],
    ['3.5', 'v3.5.16', '3.5'],
    ['3.5.30', '3.6.14', '3.5'],
    ['3.6', '3.7.1', '3.6'],
    ['3.10.1', '3.11.0', '3.10'],
    ['3.5.30', null, '3.5'],
  ])('as old or one minor newer, or that nobody named: %s for %s', (backup, target, leastEtcd) => {
    const verdict = judgeVersions(backup, target, false);

    expect(verdict).toEqual({ forgetVersions: false, leastEtcd, warning: null });
  });

  test.each([
    ['3.4.23', '3.6.14', 'etcd 3.6.14 is 2 minors above 3.4: etcd supports one at a time'],
    ['3.5.0', '3.10.0', 'etcd 3.10.0 is 5 minors above 3.5: etcd supports one at a time'],
  ])('newer by several minors, with a warning: %s for %s', (backup, target, warning) => {
    expect(judgeVersions(backup, target, false)).toMatchObject({ forgetVersions: false, warning });
  });

  test.each([
    ['3.6.14', '3.5.30'],
    ['3.10.0', '3.9.0'],
    ['4.0.0', '3.7.1'],
  ])('never older: %s for %s', (backup, target) => {
    const from = backup.split('.').slice(0, 2).join('.');

    const act = () => judgeVersions(backup, target, false);

    expect(act).toThrow(
      expect.objectContaining({
        code: 'restore-refused',
        message:
          `the backup is of etcd ${from}, and etcd ${target} is older: ` +
          'going back is not supported by etcd',
        hint: `Restore with etcd ${from} or newer; --force tries it all the same.`,
      }),
    );
  });

  test('older where it is forced: what it would refuse is taken out', () => {
    expect(judgeVersions('3.6.14', '3.5.30', true)).toEqual({
      forgetVersions: true,
      leastEtcd: '3.5',
      warning: 'the backup is of etcd 3.6, and etcd 3.5.30 is older; forced',
    });
  });

  test('whatever it is where the backup does not tell, with a warning', () => {
    expect(judgeVersions('', '3.5.30', false)).toEqual({
      forgetVersions: false,
      leastEtcd: null,
      warning: 'the backup does not tell which etcd wrote it',
    });
  });

  test('the same with force where nothing needs it', () => {
    expect(judgeVersions('3.5.30', '3.6.14', true)).toEqual({
      forgetVersions: false,
      leastEtcd: '3.5',
      warning: null,
    });
  });
});
