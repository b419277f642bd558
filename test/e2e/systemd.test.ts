/**
 * The package on a machine without Node.js, under a real systemd: installed, started, watched,
 * stopped, and a restore, all with the commands of docs/installing.md.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPackage, type Package } from '../../packaging/package.ts';
import { programVersion } from '../../src/core/version.ts';
import { run } from '../setup/program.ts';
import { systemdHere } from '../support/machine.ts';
import {
  type PackagedMachine,
  packagedMachine,
  restoreToken,
} from '../support/packaged-machine.ts';
import { makeDisk } from '../unit/store/places.ts';

const { system, skip } = await systemdHere();
if (skip !== undefined) process.stderr.write(`${skip}\n`);
const unit = 'etcd-backupd';
const guide = readFileSync(join(import.meta.dirname, '../../docs/installing.md'), 'utf8');
const [installing = [], starting = [], restoring = []] = [
  ...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm),
].map((block) => (block[1] as string).trim().split('\n'));
const unitFile = '/usr/lib/systemd/system/etcd-backupd.service';

describe.skipIf(system === undefined)('on a machine with systemd and without Node.js', () => {
  let folder: string;
  let built: Package;
  let on: PackagedMachine;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'package-'));
    built = await buildPackage(folder);
    const named = basename(built.folder);
    const lines = installing.map((line) => line.replace(/etcd-backupd-[\d.]+-linux-x64/, named));
    on = await packagedMachine(system!, built, lines.join(' && '));
  });
  afterAll(async () => {
    await on?.machine[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const machine = () => on.machine;
  const pid = () => machine().show(unit, 'MainPID');
  const backups = async () =>
    Number(await machine().sh('ls /var/backups/etcd/*/*.json 2>/dev/null | wc -l'));
  const start = async () => {
    await machine().run('systemctl', 'restart', unit);
    expect(await machine().show(unit, 'ActiveState')).toBe('active');
  };

  test('the package is whole, and its program runs there', async () => {
    const check = (file: string, cwd: string) => run('sha256sum', ['--check', file], { cwd });
    const listed = await check('SHA256SUMS', built.folder);
    const archive = await check(`${built.archive}.sha256`, folder);

    expect(listed.split('\n').filter((line) => line.endsWith(': OK'))).toHaveLength(13);
    expect(archive).toMatch(/tar\.gz: OK\n$/);
    await expect(machine().sh('command -v node nodejs')).rejects.toThrow();
    expect(await machine().run('etcd-backupd', 'version')).toBe(`${programVersion}\n`);
  });

  test('the program is its own process for a mount', async () => {
    const disk = makeDisk('size=16m');
    const store = { name: 'nas', type: 'nfs', path: join(disk, 'etcd'), mountPoint: disk };
    const cluster = ['--cluster.name=test', '--cluster.endpoints=http://127.0.0.1:9'];

    const told = await run(built.program, [
      'list',
      ...cluster,
      `--stores=[${JSON.stringify(store)}]`,
    ]);

    expect(told).toMatch(/^BACKUP .* STORE +NOTE\n$/);
    expect(existsSync(store.path)).toBe(true);
  });

  test('the unit is without a fault, and exposed no more than 2.0', async () => {
    const verified = await machine().sh(`systemd-analyze verify ${unitFile} 2>&1`);
    const words = ['security', '--offline=true', '--threshold=20', '--no-pager', unitFile];
    const secured = await machine().run('systemd-analyze', ...words);

    expect(verified).toBe('');
    expect(secured).toMatch(/Overall exposure level for etcd-backupd.service: [01]\.\d OK/);
  });

  test('the unit becomes ready, and backups come by the schedule', async () => {
    const [copying, ...lines] = starting;
    expect(copying).toMatch(/^cp \S+\.example\.yaml \/etc\/etcd-backupd\/config\.yaml$/);
    await machine().sh(`test -f ${copying?.split(' ')[1]}`);
    const shown = await machine().sh(lines.join(' && '));

    expect(shown).toMatch(/Active: active \(running\)/);
    await machine().until('two backups', async () => (await backups()) >= 2);
    await machine().until('a status', async () =>
      /^next backup .*; last success .*, backup /.test(await machine().show(unit, 'StatusText')),
    );
    const status = await machine().sh(`cat /proc/${await pid()}/status`);

    expect(await machine().show(unit, 'NRestarts')).toBe('0');
    expect(status).toMatch(/^CapEff:\s+0{16}$/m);
    expect(status).toMatch(/^Seccomp:\s+2$/m);
    expect(await machine().sh(`id -nG ${unit}`)).toBe('etcd-backupd etcd\n');
    expect(await machine().sh('stat -c %U:%a /var/backups/etcd')).toBe('etcd-backupd:700\n');
    const steal = `runuser -u ${unit} -- cat /etc/etcd-backupd/tls/client.key`;
    await expect(machine().sh(steal)).rejects.toThrow(/Permission denied/);
  });

  test('a reload takes a changed configuration over, and fails where it is wrong', async () => {
    const file = '/etc/etcd-backupd/config.yaml';
    const reload = () => machine().run('systemctl', 'reload', unit);
    const journalHas = (text: string) => async () =>
      (await machine().sh(`journalctl --no-pager --unit ${unit}`)).includes(text);
    const before = await pid();
    await machine().sh(`cp ${file} ${file}.good`);

    await machine().sh(`sed -i 's|^schedule: .*|schedule: { cron: "*/4 * * * * *" }|' ${file}`);
    await reload();
    await machine().until('the reload', journalHas('reloaded, changed: schedule.cron'));
    await machine().sh(`echo 'nonsense: 1' >> ${file}`);
    await expect(reload()).rejects.toThrow();
    await machine().until('the words of systemctl', journalHas('  nonsense'));
    await machine().until('the refusal', async () =>
      /the new configuration was refused$/.test(await machine().show(unit, 'StatusText')),
    );
    const taken = await backups();
    await machine().until('another backup', async () => (await backups()) > taken);
    await machine().sh(`mv ${file}.good ${file}`);
    await reload();

    expect(await machine().show(unit, 'ActiveState')).toBe('active');
    expect(await pid()).toBe(before);
    expect(await machine().show(unit, 'NRestarts')).toBe('0');
  });

  test('a daemon that is frozen is restarted by the watchdog, and takes backups again', async () => {
    const frozen = await pid();
    // Longer than the watchdog waits: so far it had its signs of life.
    await machine().until('an age of 12 seconds', async () => {
      return Number(await machine().sh(`ps -o etimes= -p ${frozen}`)) >= 12;
    });
    expect(await machine().show(unit, 'NRestarts')).toBe('0');

    await machine().run('kill', '-STOP', frozen);
    await machine().until('the restart', async () => {
      const [state, now] = [await machine().show(unit, 'ActiveState'), await pid()];
      return state === 'active' && now !== frozen && now !== '0';
    });
    const before = await backups();
    await machine().until('another backup', async () => (await backups()) > before);

    const journal = await machine().sh(`journalctl --no-pager --unit ${unit}`);
    expect(journal).toMatch(/Watchdog timeout/);
    expect(await machine().show(unit, 'NRestarts')).toBe('1');
  });

  test('a stop ends well within the limit of the unit', async () => {
    const limit = await machine().show(unit, 'TimeoutStopUSec');
    const began = performance.now();

    await machine().run('systemctl', 'stop', unit);

    expect(limit).toBe('4min');
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(await machine().show(unit, 'Result')).toBe('success');
    expect(await machine().show(unit, 'ExecMainStatus')).toBe('0');
  });

  test('a restore by the documented steps brings the lost data back', async () => {
    await on.etcdctl('put', 'the-key', 'the value');
    const before = await backups();
    await start();
    await machine().until('a backup', async () => (await backups()) > before + 1);
    await machine().run('systemctl', 'stop', unit);
    await on.etcdctl('del', 'the-key');

    const [planning = '', stopping = '', shown = '', going = ''] = restoring;
    const plan = await machine().sh(planning);
    const command = /^ *(etcd-backupd restore .*)$/m.exec(plan)?.[1] ?? 'false';
    await expect(machine().sh(command)).rejects.toThrow(/holds \/var\/lib\/etcd/);
    await machine().sh(stopping);
    await machine().sh(command);
    await machine().sh(going);

    expect(shown).toMatch(/^etcd-backupd restore \S+ --data-dir \S+ \.\.\.$/);
    expect(await on.etcdctl('get', 'the-key')).toBe('the-key\nthe value\n');
    expect(await machine().sh('stat -c %U:%a /var/lib/etcd')).toBe('etcd:700\n');
    expect(await machine().sh('ls -d /var/lib/etcd.before-restore-*')).toMatch(/^\S+\n$/);
    await start();
  });

  test('a restore over the API works with the drop-in, and not without', async () => {
    const put = '/etc/systemd/system/etcd-backupd.service.d/restore.conf';
    const doc = '/usr/share/doc/etcd-backupd/restore.conf';
    const dataDir = '/var/lib/etcd-copy';
    const refused = await restored(dataDir);
    await machine().run('install', '-D', '-m', '644', doc, put);
    await machine().sh('systemctl daemon-reload');
    await machine().sh(`install -d -o etcd -g etcd -m 700 ${dataDir}`);
    await start();

    const done = await restored(dataDir);

    expect(refused).toMatchObject({ state: 'failed' });
    expect(done).toMatchObject({ state: 'succeeded', report: { dataDir } });
    expect(await machine().sh(`stat -c %U ${dataDir}/member/snap/db`)).toBe('etcd\n');
  });

  /** Asks for a restore and waits for its end. */
  async function restored(dataDir: string): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${restoreToken}`, 'content-type': 'application/json' };
    const initialCluster = [{ name: 'm1', peerUrls: ['http://127.0.0.1:1'] }];
    const body = JSON.stringify({ dataDir, initialCluster });
    const asked = await fetch(`${on.adminUrl}/v1/restores`, { method: 'POST', headers, body });
    expect(asked.status).toBe(202);
    const location = `${on.adminUrl}${asked.headers.get('location')}`;
    let record: Record<string, unknown> = {};
    await machine().until('the end of the restore', async () => {
      record = (await (await fetch(location, { headers })).json()) as Record<string, unknown>;
      return record['state'] === 'succeeded' || record['state'] === 'failed';
    });
    return record;
  }
});
