/** docs/restoring.md is followed word for word on real clusters, one disaster after the other. */
import { mkdirSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { recipientText } from '../../src/core/age-text.ts';
import { parseIdentities } from '../../src/stream/age-keys.ts';
import { startAsked } from '../support/asked-daemon.ts';
import { cluster, etcdctl, type TestCluster } from '../support/etcd.ts';
import { follow, readGuide, type Shell, unprinted } from '../support/guides.ts';
import { type Workplace, workplace } from '../support/house.ts';
import { keyPair } from '../support/signing.ts';

const guide = readGuide('docs/restoring.md');
const usual = '/var/lib/etcd';
const shop = '/registry/configmaps/shop';

function laid(etcd: TestCluster): Workplace {
  const place = workplace(etcd);
  place.settings['cluster.name'] = 'prod';
  return place;
}

/** All commands below the heading, but those that only etcd's host has a meaning for. */
function commandsOf(heading: string): string[] {
  return guide.section(heading).commands.filter((line) => !line.startsWith('systemctl '));
}

const one = (heading: string, pattern: RegExp): string[] => {
  const found = commandsOf(heading).filter((line) => pattern.test(line));
  expect(found).toHaveLength(1);
  return found;
};

async function take(shell: Shell): Promise<void> {
  await follow(['etcd-backupd backup'], shell);
}

/** The commands of a printed plan, each on its host. */
async function restoreAll(plan: string, { etcd, place }: Shell): Promise<string[]> {
  const lines = plan.split('\n').map((line) => line.trim());
  const restores = lines.filter((line) => line.startsWith('etcd-backupd restore '));
  const told: string[] = [];
  for (const { name, dataDir } of etcd.members) {
    const line = restores.find((each) => each.includes(` --name ${name} `)) ?? '';
    told.push(await follow([line], { etcd, place, here: { [usual]: dataDir } }));
  }
  return told;
}

async function start(etcd: TestCluster): Promise<void> {
  for (const member of etcd.members) await member.launch();
  await Promise.all(etcd.members.map((member) => member.untilHealthy()));
}

async function valuesOf(etcd: TestCluster, key: string): Promise<string[]> {
  const get = ['get', key, '--print-value-only'];
  return Promise.all(
    etcd.clientUrls.map(async (url) => (await etcdctl(etcd, get, { endpoints: [url] })).trim()),
  );
}

describe.concurrent('the guide to restoring', () => {
  test('has commands in the parts that are followed here, and in no other', () => {
    const headings = [...guide.text.matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);

    expect(headings.filter((heading) => guide.section(heading).commands.length > 0)).toEqual([
      'Which case is it?',
      'Some keys',
      'One member is lost',
      'The whole cluster',
      'A cluster of one member',
      'Afterwards',
      'Going back',
      'When the newest backup fails its checks',
      'Encrypted and signed backups',
      "With the daemon's API",
    ]);
  });

  test('puts some keys back, from before the mistake', async () => {
    await using etcd = await cluster('3.5');
    using place = laid(etcd);
    const shell = { etcd, place, here: { '2026-11-20T15:00:00Z': '2099-01-01T00:00:00Z' } };
    const heading = 'Some keys';
    for (const key of ['colours', 'prices', 'same']) {
      await etcdctl(etcd, ['put', `${shop}/${key}`, 'right']);
    }
    await take(shell);
    await etcdctl(etcd, ['del', `${shop}/colours`]);
    for (const key of ['prices', 'new']) await etcdctl(etcd, ['put', `${shop}/${key}`, 'wrong']);
    const commands = commandsOf(heading);

    const extracted = await follow(commands.slice(0, 1), shell);
    const compared = await follow(commands.slice(1, 2), shell);
    await follow(commands.slice(2), shell);

    expect(extracted).toContain(`${shop}/colours`);
    const shown = guide.section(heading).outputOf(commands[1] ?? '');
    expect(unprinted(shown, compared)).toEqual([]);
    expect(await valuesOf(etcd, `${shop}/prices`)).toEqual(['right']);
    expect(await valuesOf(etcd, `${shop}/new`)).toEqual(['wrong']);
  });

  test('replaces one member, after its first page was done', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    using place = laid(etcd);
    const shell = { etcd, place };
    await etcd.members[2]?.kill();
    const first = commandsOf('Which case is it?');

    const answers = await follow(first, shell);
    const heading = 'One member is lost';
    const plan = await follow(one(heading, /replace m3$/), shell);
    const done = await follow(one(heading, /replace m3 --yes$/), shell);

    expect(first).toHaveLength(4);
    expect(answers).toMatch(/^m3 .* silent /m);
    expect(unprinted(guide.section(heading).blocks[1]?.lines ?? [], plan)).toEqual([]);
    expect(done).toMatch(/Steps 2 and 3 are done/);
  });

  test('restores a cluster that lost its quorum, from the backup of the survivor', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    using place = laid(etcd);
    const shell = { etcd, place };
    await etcdctl(etcd, ['put', 'before', 'the loss']);
    await take(shell);
    const [lostCluster] = readdirSync(place.storeDir);
    await etcdctl(etcd, ['put', 'last', 'word']);
    for (const lost of etcd.members.slice(1)) {
      await lost.kill();
      rmSync(lost.dataDir, { recursive: true });
    }

    await follow(commandsOf('Which case is it?'), shell);
    const [planning = '', before = '', elsewhere = '', trying = ''] =
      commandsOf('The whole cluster');
    const plan = await follow([planning], shell);
    const older = await follow([before.replace(/2026-\S+/, '2099-01-01T00:00:00Z')], shell);
    const moved = await follow([elsewhere], shell);
    const dataDir = `${etcd.members[0]?.dataDir}`;
    const tried = await follow([trying], { etcd, place, here: { [usual]: dataDir } });
    const refused = follow([trying.replace('--dry-run', '--initial-cluster-token x')], {
      etcd,
      place,
      here: { [usual]: dataDir },
    });
    await expect(refused).rejects.toThrow(/an etcd is running on/);
    await etcd.members[0]?.kill();
    const told = await restoreAll(plan, shell);
    await start(etcd);
    const after = await follow(commandsOf('Afterwards'), shell);

    expect(await valuesOf(etcd, 'last')).toEqual(Array(3).fill('word'));
    expect(after).toMatch(/^m3 +\w+ .* healthy /m);
    expect(older.split('\n')[0]).toBe(plan.split('\n')[0]);
    const ids = [plan, older].map((text) => /^New cluster id (\w+),/m.exec(text)?.[1]);
    expect(new Set([...ids, lostCluster]).size).toBe(3);
    expect(tried).toMatch(/^dry run: \S+m1 could be restored; nothing was changed$/m);
    expect(moved).toContain('on m2 (https://10.0.1.2:2380):');
    const report = guide.section('The whole cluster').blocks.at(-1)?.lines ?? [];
    const said = told[0]?.replaceAll(etcd.members[0]?.dataDir ?? '', usual) ?? '';
    expect(unprinted(report, said)).toEqual([]);
  });

  test('brings a cluster of one member back, and its old data again', async () => {
    await using etcd = await cluster('3.5');
    using place = laid(etcd);
    const [{ dataDir = '' } = {}] = etcd.members;
    const shell = { etcd, place, here: { [usual]: dataDir } };
    await etcdctl(etcd, ['put', 'the-key', 'backed up']);
    await take(shell);
    await etcdctl(etcd, ['put', 'the-key', 'later']);
    await etcd.stop();
    const heading = 'A cluster of one member';

    await follow(one(heading, / restore /), shell);
    await start(etcd);
    await follow(one(heading, / check$/), shell);
    await follow(one(heading, / backup$/), shell);
    const restored = await valuesOf(etcd, 'the-key');
    await etcd.stop();
    const asides = readdirSync(dirname(dataDir)).filter((name) => name.includes('.before-'));
    const back = commandsOf('Going back');
    const [shownAside = ''] = /\S+\.before-\S+/.exec(back[1] ?? '') ?? [];
    const here = { [shownAside]: `${usual}-old`, [usual]: dataDir };
    renameSync(join(dirname(dataDir), asides[0] ?? ''), `${dataDir}-old`);
    await follow(back, { ...shell, here });
    await start(etcd);

    expect(restored).toEqual(['backed up']);
    expect(asides).toHaveLength(1);
    expect(asides[0]).toMatch(new RegExp(`^${basename(dataDir)}.before-restore-\\d{8}T\\d{6}Z$`));
    expect(basename(shownAside)).toMatch(/^etcd.before-restore-\d{8}T\d{6}Z$/);
    expect(await valuesOf(etcd, 'the-key')).toEqual(['later']);
  });

  test('finds a damaged backup, and falls back', async () => {
    await using etcd = await cluster('3.5');
    using place = laid(etcd);
    const shell = { etcd, place };
    await take(shell);
    await take(shell);
    await etcd.stop();
    const files = readdirSync(place.storeDir, { recursive: true }).map(String);
    const newest =
      files
        .filter((name) => name.endsWith('.db'))
        .toSorted()
        .at(-1) ?? '';
    truncateSync(join(place.storeDir, newest), 5000);
    const heading = 'When the newest backup fails its checks';
    const [list = '', verify = ''] = commandsOf(heading);
    const restore = `etcd-backupd restore latest --data-dir ${place.dir}/new`;

    const listed = await follow([`${list} || true`], shell);
    const verified = await follow([`${verify} || test $? = 44`], shell);
    await follow([`${restore} || test $? = 44`], shell);
    const before = readdirSync(place.dir);
    const fellBack = await follow([`${restore} --fallback`], shell);

    expect(listed.trim().split('\n')).toHaveLength(2);
    expect(verified).toMatch(/ passed /);
    expect(verified).toMatch(/ failed /);
    expect(before).not.toContain('new');
    expect(unprinted(guide.section(heading).blocks[1]?.lines ?? [], fellBack)).toEqual([]);
  });

  test('opens what is encrypted, and what is signed', async () => {
    const secret = 'AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0';
    const [identity] = parseIdentities(secret, 'a test');
    const pair = keyPair();
    await using etcd = await cluster('3.5');
    using place = laid(etcd);
    const shell = { etcd, place };
    const file = (name: string, content: string): string => {
      writeFileSync(join(place.dir, name), content, { mode: 0o600 });
      return join(place.dir, name);
    };
    file('identity.txt', secret);
    file('signing.pub', pair.publicPem);
    const sealed = {
      'seal.recipients': recipientText(identity!.publicBytes),
      'seal.signingKeyFile': file('signing.pem', pair.secretPem),
    };
    Object.assign(place.settings, sealed);
    await take(shell);
    for (const key of Object.keys(sealed)) delete place.settings[key];
    await etcd.stop();
    const [encrypted = '', signed = ''] = commandsOf('Encrypted and signed backups');
    const both = encrypted.replace('--plan', `--trust ${/--trust (\S+)/.exec(signed)?.[1]} --plan`);

    const plans = [await follow([encrypted], shell), await follow([signed], shell)];
    const told = await restoreAll(await follow([both], shell), shell);

    expect(plans[0]).toMatch(/restore .* --identity \S*identity\.txt$/m);
    expect(plans[1]).toMatch(/restore .* --trust \S*signing\.pub$/m);
    expect(told[0]).toContain('restored: ');
  });

  test('asks the daemon, as it says', async () => {
    await using etcd = await cluster('3.5');
    using place = laid(etcd);
    const rootDir = join(place.dir, 'root');
    const tokens = join(place.dir, 'tokens');
    for (const folder of [rootDir, tokens]) mkdirSync(folder);
    const token = join(tokens, 'restore');
    writeFileSync(token, 'a-token-for-restores-only\n', { mode: 0o600 });
    await take({ etcd, place });
    await using daemon = await startAsked(place, {
      'http.tokens.restore': token,
      'restore.roots': rootDir,
    });
    const here = {
      '/etc/etcd-backupd/tokens': tokens,
      [usual]: join(rootDir, 'm1'),
      'http://127.0.0.1:9379': daemon.url,
    };
    const [asking = '', looking = ''] = commandsOf("With the daemon's API");

    const record = JSON.parse(await follow([asking], { etcd, place, here }));
    await daemon.until('restore-finished');
    const { restores } = JSON.parse(await follow([looking], { etcd, place, here }));

    expect(record).toMatchObject({ state: 'running', dryRun: true });
    expect(restores).toMatchObject([{ id: record.id, state: 'succeeded', problem: null }]);
  });
});
