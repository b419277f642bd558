/** Command lines that are wrong: the exit status, what is said, and that nothing else is. */
import { describe, expect, test } from 'vitest';
import { loadCommands } from '../../../src/cli/program.ts';
import { call, complaintOf, place } from './calling.ts';

const hint = '  Run the command with --help to see what it takes.\n';

async function refusal(words: readonly string[]): Promise<string> {
  const told = await call(words);
  expect(told).toMatchObject({ code: 'usage', out: '', err: expect.stringContaining(hint) });
  return complaintOf(told);
}

describe('an unknown command', () => {
  test.each(['lst', 'LIST', '', ' list', '--list', '-v', '__proto__', 'toString', 'ls\u001b[2J'])(
    'is refused with the commands that there are: %j',
    async (word) => {
      const names = (await loadCommands()).map(({ name }) => name);

      const said = await refusal([word, '--json']);

      expect(said.startsWith(`there is no command ${JSON.stringify(word)}`)).toBe(true);
      expect(said.endsWith(`; there are: ${names.join(', ')}`)).toBe(true);
    },
  );
});

describe('an unknown option', () => {
  test.each([
    [['list', '--jsn'], "list: Unknown option '--jsn'"],
    [['list', '-j'], "list: Unknown option '-j'"],
    [['list', '--no-json'], "list: Unknown option '--no-json'"],
    [['prune', '--dryrun'], "prune: Unknown option '--dryrun'"],
    [['inspect', 'file', '--store=a'], "inspect: Unknown option '--store'"],
    [['demo', '--cluster.name=a'], "demo: Unknown option '--cluster.name'"],
    [['config', 'example', '--all'], "config: Unknown option '--all'"],
  ])('is named: %j', async (words, said) => {
    expect((await refusal(words)).startsWith(said)).toBe(true);
  });

  test('of the configuration is told with the name that was meant', async () => {
    const told = await call(['list', ...place().words, '--cluster.nam=x']);

    expect(told).toMatchObject({ code: 'config-invalid', out: '' });
    expect(told.err).toContain('cluster.nam\n    is not a key of the configuration; did you mean');
    expect(told.err).toContain('did you mean cluster.name?\n    from: flag --cluster.nam\n');
  });
});

describe('a word too few or too many', () => {
  test.each([
    [['show'], 'show BACKUP|latest [options]'],
    [['show', 'one', 'two'], 'show BACKUP|latest [options]'],
    [['hold', '--release'], 'hold BACKUP|latest --reason TEXT | --release [options]'],
    [['inspect'], 'inspect FILE [options]'],
    [['inspect', 'a.db', 'b.db'], 'inspect FILE [options]'],
    [['config'], 'config reference|example|effective|check [options]'],
    [['list', 'latest'], 'list [options]'],
    [['list', '--', '--json'], 'list [options]'],
    [['backup', 'now'], 'backup [options]'],
    [['verify', 'one', 'two'], 'verify BACKUP|latest|--all [options]'],
  ])('is answered with how the command is used: %j', async (words, usage) => {
    expect(await refusal(words)).toBe(`usage: etcd-backupd ${usage}`);
  });

  test.each([
    [['verify'], 'verify takes a backup, or --all'],
    [['verify', 'latest', '--all'], 'verify takes a backup, or --all'],
    [['hold', 'latest'], 'hold takes --reason TEXT, or --release'],
    [['hold', 'latest', '--reason='], 'hold takes --reason TEXT, or --release'],
    [['hold', 'latest', '--reason', ' '], 'hold takes --reason TEXT, or --release'],
    [['hold', 'latest', '--reason=x', '--release'], 'hold takes --reason TEXT, or --release'],
  ])('is answered with what belongs together: %j', async (words, said) => {
    expect(await refusal([...words, ...place().words])).toBe(said);
  });
});

describe('a value', () => {
  test.each([
    [['list', '--store'], "list: Option '--store <value>' argument missing"],
    [['list', '--config'], "list: Option '--config <value>' argument missing"],
    [['list', '--json=yes'], "list: Option '--json' does not take an argument"],
    [['config', 'refrence'], 'config prints reference, example or effective, or does check'],
    [['demo', '--backups=0'], '--backups takes a number from 1 to 99, not 0'],
    [['demo', '--backups=100'], '--backups takes a number from 1 to 99, not 100'],
    [['demo', '--backups=1.5'], '--backups takes a number from 1 to 99, not 1.5'],
  ])('that is missing or wrong is refused: %j', async (words, said) => {
    expect(await refusal(words)).toBe(said);
  });

  test.each([
    ['--store=lokal', 'no store is named "lokal"; there are: local'],
    ['--store=', 'no store is named ""; there are: local'],
    ['--cluster=zz', 'not a cluster id: "zz"'],
    ['--cluster=', 'not a cluster id: ""'],
    ['--cluster=0123456789abcdef0', 'not a cluster id: "0123456789abcdef0"'],
  ])('that names no store or cluster is refused: %s', async (word, said) => {
    const { words } = place();

    for (const command of [['list'], ['show', 'latest'], ['verify', '--all']]) {
      expect(await refusal([...command, ...words, word])).toBe(said);
    }
  });

  test.each([['show'], ['verify'], ['hold', '--release']])(
    'that is no backup id is refused by %s',
    async (command, ...rest) => {
      const words = [command, '20261120', ...rest, ...place().words];

      const told = await call(words);

      expect(told).toMatchObject({ code: 'backup-missing', out: '' });
      expect(complaintOf(told)).toBe('not a backup id: "20261120"');
    },
  );

  test('of the configuration is refused with key, value and place', async () => {
    const told = await call(['list', ...place({ 'cluster.requestTimeout': '5 parsecs' }).words]);

    expect(told).toMatchObject({ code: 'config-invalid', out: '' });
    expect(told.err).toMatch(/cluster\.requestTimeout = "5 parsecs"\n {4}.*\n {4}from: flag --/);
  });

  test('of the configuration that is given twice is refused', async () => {
    const told = await call(['list', ...place().words, '--cluster.name=other']);

    expect(told).toMatchObject({ code: 'config-invalid', out: '' });
    expect(told.err).toContain('cluster.name\n    is given more than once');
  });
});
