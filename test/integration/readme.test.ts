/** The README is executed: every command that it shows, in its order, against a real cluster. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { freePorts } from '../../src/cluster/loopback.ts';
import { startEtcdCluster } from '../../src/cluster/servers.ts';
import { failureTable } from '../../src/core/errors.ts';
import { cluster, etcdctl, needEtcd } from '../support/etcd.ts';
import { runProgram, workplace } from '../support/house.ts';

const root = join(import.meta.dirname, '..', '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const shown = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap((block) =>
  (block[1] as string).trim().split('\n'),
);

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
    const program = (line: string) => {
      const words = [...line.matchAll(/"([^"]*)"|\S+/g)].map((word) => word[1] ?? word[0]);
      const configured = words[1] === 'config' ? [] : place.words();
      return runProgram([...words.slice(1), ...configured]);
    };
    expect(await program('etcd-backupd backup')).toMatchObject({ code: 0 });

    const ours = shown.filter((line) => line.startsWith('etcd-backupd '));
    expect(ours.length).toBeGreaterThan(8);
    for (const line of ours) expect({ line, ...(await program(line)) }).toMatchObject({ code: 0 });

    await etcd.stop();
    const restores = shown.filter((line) => line.startsWith('etcdutl snapshot restore'));
    expect(restores).toHaveLength(3);
    const urls = (await freePorts(3)).map((port) => `http://127.0.0.1:${port}`);
    const dataDir = join(place.dir, 'restored');
    for (const line of restores) await restore(line, { place, urls, dataDir });
    const { etcd: binary } = needEtcd('3.5');
    await using restored = await startEtcdCluster({ binary, dataDir, members: 3, peerUrls: urls });

    const values = await Promise.all(
      restored.clientUrls.map((url) => etcdctl(etcd, ['get', 'the-key'], { endpoints: [url] })),
    );
    expect(values).toEqual([
      'the-key\nthe value\n',
      'the-key\nthe value\n',
      'the-key\nthe value\n',
    ]);
  });
});

/** Runs a restore as shown, with this test's file, folder and ports in place of the example's. */
async function restore(
  line: string,
  at: { place: { storeDir: string }; urls: readonly string[]; dataDir: string },
): Promise<void> {
  const { storeDir } = at.place;
  const files = readdirSync(storeDir, { recursive: true }).map(String);
  const newest = files
    .filter((name) => name.endsWith('.db'))
    .sort()
    .at(-1) as string;
  const [, ...words] = line
    .replace('backup.db', join(storeDir, newest))
    .replaceAll('/var/lib/etcd-new', at.dataDir)
    .replaceAll(/http:\/\/127\.0\.0\.1:4238(\d)/g, (_, n) => at.urls[Number(n) - 1] as string)
    .split(' ');
  await promisify(execFile)(needEtcd('3.5').etcdutl as string, words);
}
