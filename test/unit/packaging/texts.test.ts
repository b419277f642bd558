/** What a package holds beside the program, and whether it works where the installer puts it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manPage } from '../../../packaging/man-page.ts';
import { addTexts } from '../../../packaging/package.ts';
import { loadCommands } from '../../../src/cli/program.ts';
import { failureCodes } from '../../../src/core/errors.ts';
import { whichProgram } from '../../setup/program.ts';

const dir = mkdtempSync(join(tmpdir(), 'package-'));
const [made, installed] = [join(dir, 'made'), join(dir, 'installed')];
const page = join(installed, 'usr/share/man/man8/etcd-backupd.8');

beforeAll(async () => {
  mkdirSync(made);
  // Where Node.js with the program inside would be: making that takes half a minute.
  writeFileSync(join(made, 'etcd-backupd'), '#!/bin/sh\n');
  await addTexts(made);
  execFileSync('sh', [join(made, 'install.sh')], { env: { ...process.env, DESTDIR: installed } });
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the installer', () => {
  test('puts every file in its place', () => {
    const files = readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed.length));

    expect(files.sort()).toEqual([
      '/usr/bin/etcd-backupd',
      '/usr/lib/systemd/system/etcd-backupd.service',
      '/usr/lib/sysusers.d/etcd-backupd.conf',
      '/usr/lib/tmpfiles.d/etcd-backupd.conf',
      '/usr/share/bash-completion/completions/etcd-backupd',
      '/usr/share/doc/etcd-backupd/LICENSE',
      '/usr/share/doc/etcd-backupd/credentials.conf',
      '/usr/share/doc/etcd-backupd/etcd-backupd.example.yaml',
      '/usr/share/doc/etcd-backupd/restore.conf',
      '/usr/share/fish/vendor_completions.d/etcd-backupd.fish',
      '/usr/share/man/man8/etcd-backupd.8',
      '/usr/share/zsh/vendor-completions/_etcd-backupd',
    ]);
  });

  test('installs nothing where a byte has changed', () => {
    const broken = join(dir, 'broken');
    execFileSync('cp', ['-r', made, broken]);
    writeFileSync(join(broken, 'etcd-backupd.8'), '.TH X 8\n');

    const { status } = spawnSync('sh', [join(broken, 'install.sh')], {
      env: { ...process.env, DESTDIR: join(dir, 'nowhere') },
    });

    expect(status).not.toBe(0);
    expect(readdirSync(dir)).not.toContain('nowhere');
  });
});

describe('the manual page', () => {
  test('has every command, every option and every exit code', async () => {
    const text = readFileSync(page, 'utf8').replaceAll('\\-', '-');

    for (const { name, options } of await loadCommands()) {
      const [, section = ''] = text.split(`\n.SS "${name} `);
      const own = section.split('\n.S')[0] ?? '';
      expect(own).not.toBe('');
      for (const option of Object.keys(options)) expect(own).toMatch(`.B "--${option}`);
    }
    for (const code of failureCodes) expect(text).toMatch(new RegExp(`^\\.B "\\d+ ${code}"$`, 'm'));
  });

  test('holds nothing that roff would read as a request or an escape by mistake', async () => {
    const [command] = await loadCommands();
    if (command === undefined) throw new Error('there is no command');
    const odd = { ...command, summary: '.so /etc/passwd', examples: ["'quoted \\fB", 'a "b" c'] };

    const lines = manPage([odd]).split('\n');

    expect(lines).toContain('\\&.so /etc/passwd.');
    expect(lines).toContain("\\&'quoted \\efB");
    const requests = lines.filter((line) => /^['.]/.test(line));
    const known = /^\.(TH|SH|SS|TP|PP|B|BR|I|RS|RE|nf|fi|ad|nh)\b/;
    expect(requests.filter((line) => !known.test(line))).toEqual([]);
  });

  test.skipIf(whichProgram('groff', process.env) === undefined)(
    'is formatted without a warning',
    () => {
      const words = ['-man', '-ww', '-Tutf8', '-rLL=100n', '-P-cbou', page];

      const { stdout, stderr } = spawnSync('groff', words, { encoding: 'utf8' });

      expect(stderr).toBe('');
      expect(stdout).toMatch(/^ +etcd-backupd - backups of etcd that are proved$/m);
      expect(stdout).toMatch(/^ +--data-dir DIR$/m);
    },
  );
});

describe('the installed completion', () => {
  test('is taken by bash', () => {
    const file = join(installed, 'usr/share/bash-completion/completions/etcd-backupd');

    const told = execFileSync('bash', ['-euc', 'source "$1"; complete -p', 'bash', file]);

    expect(String(told)).toContain('complete -F _etcd_backupd etcd-backupd');
  });

  test.skipIf(whichProgram('zsh', process.env) === undefined)('is read by zsh', () => {
    const file = join(installed, 'usr/share/zsh/vendor-completions/_etcd-backupd');

    expect(spawnSync('zsh', ['-n', file], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test.skipIf(whichProgram('fish', process.env) === undefined).each([
    ['member re', ['replace']],
    ['run --log.level=d', ['--log.level=debug']],
    ['list --store ', []],
  ])('offers by fish, behind %j, %j', (line, candidates) => {
    const file = join(installed, 'usr/share/fish/vendor_completions.d/etcd-backupd.fish');
    const ask = `source ${file}; complete -C'etcd-backupd ${line}'`;

    const told = execFileSync('fish', ['--no-config', '-c', ask], { encoding: 'utf8' });

    const words = told.split('\n').map((each) => each.split('\t')[0]);
    expect(words.filter((word) => word !== '')).toEqual(candidates);
  });
});
