import { describe, expect, test } from 'vitest';
import { splitConfigFlags } from '../../../src/config/flags.ts';

describe('flags of the configuration', () => {
  test.each([
    ['a value behind =', ['--cluster.name=a=b'], [{ name: 'cluster.name', value: 'a=b' }], []],
    [
      'a value in the next word',
      ['--cluster.name', 'a'],
      [{ name: 'cluster.name', value: 'a' }],
      [],
    ],
    ['a switch alone', ['--log.pretty', 'run'], [{ name: 'log.pretty', value: 'true' }], ['run']],
    ['a switch that is off', ['--log.pretty=false'], [{ name: 'log.pretty', value: 'false' }], []],
    ['a list', ['--stores=[]'], [{ name: 'stores', value: '[]' }], []],
    ['an unknown key', ['--a.b=c'], [{ name: 'a.b', value: 'c' }], []],
    [
      'a value that is missing',
      ['--cluster.name', '--json'],
      [{ name: 'cluster.name', value: '' }],
      ['--json'],
    ],
    ['a value that is a cron text', ['--schedule.cron', '* * * * *'], [cron('* * * * *')], []],
  ])('are taken: %s', (_, argv, flags, rest) => {
    expect(splitConfigFlags(argv)).toEqual({ flags, rest });
  });

  test('leave everything else as it is and in its order', () => {
    const argv = ['show', '--json', '-h', '--output=a.json', 'x', '--', '--cluster.name=y'];

    expect(splitConfigFlags(argv)).toEqual({ flags: [], rest: argv });
  });
});

function cron(value: string) {
  return { name: 'schedule.cron', value };
}
