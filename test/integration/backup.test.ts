import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cluster, etcdctl, etcdutl, etcdVersions } from '../support/etcd.ts';
import { runProgram, worker, workplace } from '../support/house.ts';
import { dataFile } from '../support/stored-names.ts';
import { seed } from '../support/workload.ts';

interface OfficialStatus {
  readonly hash: number;
  readonly revision: number;
  readonly totalKey: number;
  readonly totalSize: number;
}

const anySignal = new AbortController().signal;

for (const binaries of etcdVersions()) {
  describe.concurrent(`with etcd ${binaries.version}`, () => {
    for (const members of [1, 3]) {
      test(`a backup of ${members} member(s) says what the official tools say`, async () => {
        await using etcd = await cluster(binaries.version, { members });
        await seed(etcd, { users: true });
        using place = workplace(etcd);
        await using engine = worker(place);

        const { id, result } = await engine.backup();

        expect(result).toBe('success');
        const { clusterId } = await engine.deps.cluster.survey({ signal: anySignal });
        const catalog = engine.deps.openCatalog(engine.deps.shelves[0]!.store, clusterId);
        const manifest = await catalog.find(id, { signal: anySignal });
        const stored = join(place.storeDir, manifest.sealed.object);

        const told = await etcdutl(binaries, ['snapshot', 'status', stored, '-w', 'json']);
        const official: OfficialStatus = JSON.parse(told);
        const keys = binaries.minor < '3.6' ? manifest.totalRows : manifest.keys;
        expect({
          hash: manifest.statusHash,
          revision: Number(manifest.revision),
          totalKey: keys,
          totalSize: manifest.raw.sizeBytes - 32,
        }).toEqual({
          hash: official.hash,
          revision: official.revision,
          totalKey: official.totalKey,
          totalSize: official.totalSize,
        });

        const at = `--rev=${manifest.hashKv.revision}`;
        const hashes = JSON.parse(await etcdctl(etcd, ['endpoint', 'hashkv', at, '-w', 'json']));
        for (const { HashKV } of hashes) expect(HashKV.hash).toBe(manifest.hashKv.hash);

        const { proofs, source } = manifest;
        expect(source.role).toBe(members === 1 ? 'leader' : 'follower');
        expect(proofs.agreed?.outcome).toBe(members === 1 ? 'inconclusive' : 'passed');
        expect([proofs.received, proofs.sound, proofs.stored].map((p) => p?.outcome)).toEqual([
          'passed',
          'passed',
          'passed',
        ]);
        expect(statSync(stored).mode & 0o777).toBe(0o600);
        expect(readdirSync(place.spoolDir)).toEqual([]);
      });
    }

    test('the stored file restores with the official tool alone', async () => {
      await using etcd = await cluster(binaries.version);
      await seed(etcd);
      using place = workplace(etcd);
      await using engine = worker(place);
      await engine.backup();
      const [folder] = readdirSync(place.storeDir);
      const file = readdirSync(join(place.storeDir, folder!)).find((name) => name.endsWith('.db'));

      const restored = join(place.dir, 'restored');
      const stored = join(place.storeDir, folder!, file!);
      await etcdutl(binaries, ['snapshot', 'restore', stored, '--data-dir', restored]);

      expect(existsSync(join(restored, 'member', 'snap', 'db'))).toBe(true);
    });
  });
}

describe('the command line', () => {
  test('takes, lists, shows, verifies, holds and prunes a backup', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    await seed(etcd);
    using place = workplace(etcd);
    place.settings['retention.keepLast'] = '1';
    place.settings['retention.keepWithin'] = '0s';
    for (const rule of ['hourly', 'daily', 'weekly', 'monthly']) {
      place.settings[`retention.${rule}`] = '0';
    }
    place.settings['retention.minimum'] = '1';
    const run = (...words: string[]) => runProgram([...words, ...place.words()]);

    const first = await run('backup');
    expect(first).toMatchObject({ code: 0 });
    const firstId = first.stdout.trim();
    const held = await run('hold', firstId, '--reason', 'before the upgrade');
    expect(held).toMatchObject({ code: 0, stdout: `${firstId} local held\n` });
    await run('backup');
    const third = await run('backup', '--json');
    expect(JSON.parse(third.stdout)).toMatchObject({ result: 'success' });

    const listed = JSON.parse((await run('list', '--json')).stdout);
    expect(listed).toHaveLength(2);
    expect(listed[0]).toMatchObject({ id: firstId, hold: { reason: 'before the upgrade' } });
    expect((await run('list')).stdout).toContain('held: before the upgrade');
    expect((await run('show', 'latest')).stdout).toContain('proof agreed');
    const verified = await run('verify', '--all', '--deep');
    expect(verified).toMatchObject({ code: 0 });
    expect(verified.stdout.match(/passed/g)).toHaveLength(2);
    await run('hold', firstId, '--release');
    const planned = await run('prune', '--dry-run');
    expect(planned.stdout).toMatch(new RegExp(`${firstId} +local +remove +no rule keeps it`));
    expect(JSON.parse((await run('list', '--json')).stdout)).toHaveLength(2);
    await run('prune');
    expect(JSON.parse((await run('list', '--json')).stdout)).toHaveLength(1);

    const checked = await run('check');
    expect(checked).toMatchObject({ code: 0 });
    expect(checked.stdout).toContain('can be the source: healthy follower');
    expect((await run('status')).stdout).toMatch(/^SAFE: the newest proved backup is /);
  });

  test('finds a flipped bit in a stored backup and says which', async () => {
    await using etcd = await cluster('3.5');
    await seed(etcd);
    using place = workplace(etcd);
    const run = (...words: string[]) => runProgram([...words, ...place.words()]);
    const id = (await run('backup')).stdout.trim();
    const [folder] = readdirSync(place.storeDir);
    const file = join(place.storeDir, folder!, dataFile(id));
    flipBit(file, 5000);

    const verified = await run('verify', 'latest');

    expect(verified.code).toBe(44);
    expect(verified.stdout).toMatch(new RegExp(`${id} +local +failed`));
    expect((await run('list')).stdout).toContain('not proved: do not restore');
    expect((await run('inspect', file)).code).toBe(2);
    const inspected = await runProgram(['inspect', file]);
    expect(inspected.code).toBe(22);
    expect(inspected.stderr).toContain('Do not restore this file');
  });

  test('skips a backup when nothing changed, and takes one when something did', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    await seed(etcd);
    using place = workplace(etcd);
    await using engine = worker(place);
    const first = await engine.backup();

    const second = await engine.backup({ skipUnchangedMs: 3_600_000 });
    expect(second).toMatchObject({ result: 'unchanged', id: first.id });
    expect(engine.of('run-skipped')).toHaveLength(1);

    await etcdctl(etcd, ['put', 'a', 'b']);
    const third = await engine.backup({ skipUnchangedMs: 3_600_000 });
    expect(third.result).toBe('success');
  });
});

/** A new file with one bit changed in the place of the old one. */
function flipBit(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  rmSync(path);
  writeFileSync(path, bytes, { mode: 0o600 });
}
