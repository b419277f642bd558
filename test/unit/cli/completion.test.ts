/** Completion, by a real bash: what is offered behind which words. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCommands } from '../../../src/cli/program.ts';
import { leavesOf } from '../../../src/config/entry.ts';
import { schema } from '../../../src/config/schema.ts';
import { call } from './calling.ts';

const dir = mkdtempSync(join(tmpdir(), 'completion-'));
const script = join(dir, 'completion.bash');
const commands = await loadCommands();

beforeAll(async () => {
  writeFileSync(script, (await call(['completion', 'bash'])).out);
  mkdirSync(join(dir, 'folder with blank'));
  writeFileSync(join(dir, 'file.db'), '');
});
afterAll(() => rmSync(dir, { recursive: true }));

/** The candidates for the last word, as bash splits words: "=" is one of its own. */
function offered(...words: string[]): string[] {
  const ask = `
    source "$1"; shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    complete -p etcd-backupd >/dev/null || exit 1
    _etcd_backupd
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ['--norc', '--noprofile', '-uc', ask, 'bash', script, 'etcd-backupd', ...words];
  const out = execFileSync('bash', args, { cwd: dir, encoding: 'utf8' });
  return out.split('\n').filter((line) => line !== '');
}

describe('bash completes', () => {
  test('commands, all of them', () => {
    const names = commands.map(({ name }) => name);

    expect(offered('').sort()).toEqual([...names, 'help', 'version'].sort());
    expect(offered('re')).toEqual(['restore']);
  });

  test.each(commands.map((command) => [command.name, command] as const))(
    'every option of %s, and nothing else behind two dashes',
    (name, { options }) => {
      const flags = [...Object.keys(options), 'help'].map((option) => `--${option}`);

      expect(offered(name, '--').sort()).toEqual(flags.sort());
    },
  );

  test('keys of the configuration once a letter is there', () => {
    const keys = leavesOf(schema).map(({ key }) => `--${key}`);

    expect(offered('run', '--log')).toEqual(['--log.level', '--log.pretty']);
    const begins = new Set(keys.map((key) => key.slice(0, 3)));
    const given = [...begins].flatMap((begin) => offered('backup', begin));
    expect(keys.filter((key) => !given.includes(key))).toEqual([]);
    expect(offered('inspect', '--log')).toEqual([]);
  });

  test.each([
    [['run', '--log.level', 'd'], ['debug']],
    [['run', '--log.level', '=', 'w'], ['warn']],
    [
      ['run', '--source.allowLeader', '='],
      ['never', 'alone', 'always'],
    ],
    [
      ['run', '--schedule.catchUp', '=', ''],
      ['true', 'false'],
    ],
    [['run', '--log.pretty', '--conf'], ['--config']],
    [
      ['config', ''],
      ['reference', 'example', 'effective', 'check'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['member', 'l'], ['list']],
    [['member', 'replace', ''], []],
    [['show', 'l'], ['latest']],
    [['restore', 'latest', '--data-dir', ''], ['folder with blank']],
    [['restore', '--data-dir', '=', 'fo'], ['folder with blank']],
    [['run', '--config', 'fi'], ['file.db']],
    [['run', '--cluster.tls.ca', 'fi'], ['file.db']],
    [['inspect', 'fi'], ['file.db']],
    [
      ['extract', ''],
      ['latest', 'completion.bash', 'file.db', 'folder with blank'],
    ],
    [['list', '--store', ''], []],
    [['no-such', ''], []],
  ])('%j with %j', (words, candidates) => {
    expect(offered(...words).sort()).toEqual([...candidates].sort());
  });
});

test('a shell that is not known is a mistake', async () => {
  expect(await call(['completion', 'tcsh'])).toMatchObject({
    code: 'usage',
    out: '',
    err: expect.stringContaining('completion is there for bash, zsh, fish'),
  });
});
