/** The README is executed: every command that it shows, in its order, against a real cluster. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { failureTable } from '../../src/core/errors.ts';
import { cluster, etcdctl } from '../support/etcd.ts';
import { readGuide, unprinted } from '../support/guides.ts';
import { runProgram, workplace } from '../support/house.ts';

const root = join(import.meta.dirname, '..', '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const shown = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap((block) =>
  (block[1] as string).trim().split('\n'),
);

const usual = '/var/lib/etcd';

describe('the README', () => {
  test('shows every exit code of the program, and no other', () => {
    const rows = [...readme.matchAll(/^\| (\d+) \| `([a-z-]+)` \|$/gm)];
    const table = Object.fromEntries(rows.map(([, exit, code]) => [code, Number(exit)]));

    const codes = Object.entries(failureTable).map(([code, { exit }]) => [code, exit]);
    expect(table).toEqual(Object.fromEntries(codes));
  });

  test('names npm scripts that exist and that CI runs', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const ci = readFileSync(join(root, '.ci', 'run'), 'utf8');
    const npm = shown.filter((line) => line.startsWith('npm '));

    expect(npm).toEqual(['npm run demo', 'npm test']);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test']));
    expect(ci).toMatch(/^npm run --silent demo$/m);
    expect(ci).toMatch(/^npm test --silent$/m);
  });

  test('has commands that work, from the first backup to the restored cluster', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    await etcdctl(etcd, ['put', 'the-key', 'the value']);
    using place = workplace(etcd);
    place.settings['drill.etcdBinary'] = etcd.binaries.etcd;
    const program = (line: string) => {
      const words = [...line.matchAll(/"([^"]*)"|\S+/g)].map((word) => word[1] ?? word[0]);
      const configured = words[1] === 'config' ? [] : place.words();
      return runProgram([...words.slice(1), ...configured]);
    };
    const backup = await program('etcd-backupd backup');
    expect(backup).toMatchObject({ code: 0 });
    const demo = readGuide('README.md').outputOf('npm test').join('\n');
    const anyMember = (text: string) => text.replaceAll(/\bm\d\b/g, 'm0');
    expect(unprinted(anyMember(demo).split('\n'), anyMember(backup.stderr))).toEqual([]);

    const ours = shown.filter((line) => line.startsWith('etcd-backupd '));
    expect(ours.length).toBeGreaterThan(8);
    const dataDir = join(place.dir, 'data');
    for (const line of ours) {
      const here = line.replaceAll('/var/lib/etcd', dataDir);
      expect({ line, ...(await program(here)) }).toMatchObject({ code: 0 });
    }

    const files = readdirSync(place.storeDir, { recursive: true }).map(String);
    const newest = files.filter((name) => name.endsWith('.db')).sort();
    const stored = join(place.storeDir, newest.at(-1) ?? '');
    const official = shown.filter((line) => line.startsWith('etcdutl '));
    expect(official).toHaveLength(2);
    for (const line of official) {
      const [, ...words] = line
        .replace('backup.db', stored)
        .replaceAll('/var/lib/etcd-new', join(place.dir, 'official'))
        .split(' ');
      await promisify(execFile)(etcd.binaries.etcdutl as string, words);
    }
    expect(existsSync(join(place.dir, 'official', 'member', 'snap', 'db'))).toBe(true);
  });

  test('has a guide that brings a lost cluster back, followed word for word', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    await etcdctl(etcd, ['put', 'the-key', 'the value']);
    using place = workplace(etcd);
    place.settings['cluster.name'] = 'prod';
    const call = async (words: readonly string[]) => {
      const ran = await runProgram([...words, ...place.words()]);
      expect({ words, ...ran }).toMatchObject({ code: 0 });
      return ran.stdout;
    };
    await call(['backup']);
    const guide = readme.slice(readme.indexOf('## Restore, in'), readme.indexOf('## Without'));
    const [[, first = '', planning = ''] = []] = guide.matchAll(/^```sh\n(.*)\n(.*)\n```$/gm);

    await call(first.split(' ').slice(1));
    const plan = await call(planning.split(' ').slice(1));

    // The cluster is gone, two of its members with their data.
    await etcd.stop();
    for (const { dataDir } of etcd.members.slice(1)) rmSync(dataDir, { recursive: true });
    const lines = plan.split('\n').map((line) => line.trim());
    const commands = lines.filter((line) => line.startsWith('etcd-backupd '));
    const report = readGuide('README.md').blocks.find((b) => /^restored: /.test(b.lines[0] ?? ''));
    const restores = commands.filter((line) => line.startsWith('etcd-backupd restore '));
    expect(restores).toHaveLength(3);
    const told = new Map<string | undefined, string>();
    for (const line of restores) {
      const name = /--name (\S+)/.exec(line)?.[1];
      const { dataDir = '' } = etcd.members.find((member) => member.name === name) ?? {};
      const answer = await call(line.replace(usual, dataDir).split(' ').slice(1));
      told.set(name, answer.replaceAll(dataDir, usual));
    }
    for (const member of etcd.members) await member.launch();
    await Promise.all(etcd.members.map((member) => member.untilHealthy()));
    const after = commands.slice(commands.indexOf(restores.at(-1) ?? '') + 1);
    expect(after).toEqual(['etcd-backupd check', 'etcd-backupd backup']);
    for (const line of after) await call(line.split(' ').slice(1));

    const values = await Promise.all(
      etcd.clientUrls.map((url) => etcdctl(etcd, ['get', 'the-key'], { endpoints: [url] })),
    );
    expect(values).toEqual(Array(3).fill('the-key\nthe value\n'));
    expect(unprinted(report?.lines ?? ['no report'], told.get('m1') ?? '')).toEqual([]);
    expect(lines[0]).toMatch(/^Restore of cluster prod from backup /);
    const sentences = (text: string) => text.match(/^\d\. .*$/gm) ?? [];
    const shownPlan = guide.slice(guide.indexOf('Restore of cluster prod'));
    expect(sentences(shownPlan).slice(0, 7)).toEqual(sentences(plan));
  });
});
