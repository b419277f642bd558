/** Part of a backup back into a running etcd: what operators do after `kubectl delete namespace`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectKeys } from '../../src/cluster/keys.ts';
import type { KeyChange, LiveKeys } from '../../src/cluster/keys-port.ts';
import { openBackup } from '../../src/engine/extract.ts';
import { type PutBackReport, putBack } from '../../src/engine/put-back.ts';
import { type ContractKeys, liveKeysContract } from '../contract/live-keys.ts';
import { cluster, enableAuth, etcdctl, minorsHere, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Worker, type Workplace, worker, workplace } from '../support/house.ts';

const { signal } = new AbortController();
const shop = '/registry/pods/shop/';

interface Found {
  readonly key: string;
  readonly value: string;
  readonly mod: number;
}

async function keysBelow(etcd: TestCluster, prefix: string): Promise<Found[]> {
  const told = await etcdctl(etcd, ['get', '--prefix', prefix, '-w', 'json']);
  const text = (base64 = ''): string => Buffer.from(base64, 'base64').toString('latin1');
  return (JSON.parse(told).kvs ?? []).map(
    (kv: { key: string; value?: string; mod_revision: number }): Found => ({
      key: text(kv.key),
      value: text(kv.value),
      mod: kv.mod_revision,
    }),
  );
}

/** Keys of a shop, one of them with a lease and one of bytes, beside those of somebody else. */
async function fillShop(etcd: TestCluster, pods: number, valueBytes = 20): Promise<void> {
  const client = new Etcd3({ hosts: [...etcd.clientUrls] });
  try {
    for (let from = 0; from < pods; from += 50) {
      const names = Array.from({ length: Math.min(50, pods - from) }, (_, at) =>
        podName(from + at),
      );
      await client.kv.txn({
        success: names.map((name) => ({
          request_put: { key: Buffer.from(name), value: Buffer.alloc(valueBytes, `${name} `) },
        })),
      });
    }
    await client.put(Buffer.from(`${shop}\xff`, 'latin1')).value(Buffer.of(0, 255, 1));
    await client.lease(3600).put(`${shop}leased`).value('for an hour').exec();
    await client.put('/registry/pods/shopping').value('of somebody else');
  } finally {
    client.close();
  }
}

function podName(at: number): string {
  return `${shop}${String(at).padStart(4, '0')}`;
}

function logIn(place: Workplace, username: string, password: string): void {
  const file = join(place.dir, `password-${username}`);
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  place.settings['cluster.auth.username'] = username;
  place.settings['cluster.auth.passwordFile'] = file;
}

/** Puts all of the shop back, through `keys` instead of the engine's own way to the cluster. */
function putShopBack(engine: Worker, keys: LiveKeys): Promise<PutBackReport> {
  const order = { prefix: Buffer.from(shop), deleteExtra: false, lines: 10 };
  const wanted = { backup: 'latest', before: null, store: null, cluster: null } as const;
  return putBack(
    (approve) => openBackup(wanted, engine.deps, { signal, approve }),
    { ...order, apply: true, force: false },
    { ...engine.deps, keys },
    { signal },
  );
}

for (const version of minorsHere(['3.5', '3.7'])) {
  describe(`the keys of etcd ${version}`, () => {
    const opened = new AsyncDisposableStack();
    let keys: ContractKeys;
    beforeAll(async () => {
      const etcd = opened.use(await cluster(version));
      const client = new Etcd3({ hosts: [...etcd.clientUrls] });
      opened.defer(() => client.close());
      const tls = { ca: null, client: null, serverName: null };
      const endpoints = etcd.clientUrls;
      keys = {
        port: connectKeys({ endpoints, tls, auth: null, requestTimeoutMs: 5000 }),
        put: async (key, value) => void (await client.put(key).value(value)),
        remove: async (key) => void (await client.delete().key(key)),
      };
    });
    afterAll(() => opened.disposeAsync());

    liveKeysContract(() => keys);
  });

  describe.concurrent(`with etcd ${version}`, () => {
    test('a deleted namespace comes back, and nothing else changes', async () => {
      await using etcd = await cluster(version);
      await fillShop(etcd, 260);
      using place = workplace(etcd);
      const run = (...words: string[]) => runProgram([...words, ...place.words()]);
      expect(await run('backup')).toMatchObject({ code: 0 });
      const before = await keysBelow(etcd, '/registry');
      await etcdctl(etcd, ['del', '--prefix', shop]);
      await etcdctl(etcd, ['put', podName(7), 'another']);
      await etcdctl(etcd, ['put', `${shop}new`, 'since then']);
      await etcdctl(etcd, ['put', '/registry/pods/shopping', 'changed since']);
      const broken = await keysBelow(etcd, '/registry');

      const shown = await run('extract', 'latest', '--prefix', shop, '--json');
      const compared = await run('put-back', 'latest', '--prefix', shop, '--lines', '300');
      const untouched = await keysBelow(etcd, '/registry');
      const applied = await run('put-back', 'latest', '--prefix', shop, '--apply', '--json');

      const lines = shown.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines.map(({ key, keyBase64 }) => key ?? keyBase64)).toEqual([
        ...Array.from({ length: 260 }, (_, at) => podName(at)),
        `${shop}leased`,
        Buffer.from(`${shop}\xff`, 'latin1').toString('base64'),
      ]);
      expect(lines.at(-1)).toMatchObject({ valueBase64: 'AP8B', lease: null });
      expect(lines.at(-2)).toMatchObject({
        value: 'for an hour',
        lease: expect.stringMatching(/^[0-9a-f]{16}$/),
      });
      expect(compared.code).toBe(0);
      expect(compared.stdout).toContain(`create     ${podName(8)}\n`);
      expect(compared.stdout).toContain(`overwrite  ${podName(7)}\n`);
      expect(compared.stdout).toContain(`keep       ${shop}new\n`);
      expect(compared.stdout).toContain('261 to create, 1 to overwrite, 0 to delete, 1 only in');
      expect(compared.stdout).toContain('nothing was written; --apply writes it\n');
      expect(untouched).toEqual(broken);
      expect(applied.code).toBe(0);
      expect(JSON.parse(applied.stdout)).toMatchObject({
        applied: true,
        counts: { create: 261, overwrite: 1, delete: 0, keep: 1, same: 0 },
        leasesLost: 1,
      });
      const after = await keysBelow(etcd, shop);
      const isShop = ({ key }: Found): boolean => key.startsWith(shop);
      const plain = ({ key, value }: Found): object => ({ key, value });
      expect(after.filter(({ key }) => key !== `${shop}new`).map(plain)).toEqual(
        before.filter(isShop).map(plain),
      );
      expect(after.find(({ key }) => key === `${shop}new`)?.value).toBe('since then');
      const others = (found: Found[]): Found[] => found.filter((one) => !isShop(one));
      expect(others(await keysBelow(etcd, '/registry'))).toEqual(others(broken));

      const again = await run('put-back', 'latest', '--prefix', shop, '--delete-extra', '--apply');

      expect(again.stdout).toBe(
        `delete  ${shop}new\n` +
          '0 created, 0 overwritten, 1 deleted, 0 only in the cluster and kept, 262 the same\n',
      );
      expect((await keysBelow(etcd, shop)).map(plain)).toEqual(before.filter(isShop).map(plain));
    });

    test('a key that somebody writes meanwhile stops it, with nothing of its transaction', async () => {
      await using etcd = await cluster(version);
      await fillShop(etcd, 150);
      using place = workplace(etcd);
      await using engine = worker(place);
      await engine.backup();
      await etcdctl(etcd, ['del', '--prefix', shop]);
      const { keys } = engine.deps;
      const calls: (readonly KeyChange[])[] = [];
      const apply: LiveKeys['apply'] = async (changes, options) => {
        calls.push(changes);
        if (calls.length === 2) await etcdctl(etcd, ['put', podName(120), 'meanwhile']);
        return keys.apply(changes, options);
      };

      const ended = putShopBack(engine, { read: (...asked) => keys.read(...asked), apply });

      await expect(ended).rejects.toMatchObject({
        code: 'put-back-conflict',
        message: expect.stringMatching(
          new RegExp(
            `^somebody changed ${podName(120)} meanwhile: .* 100 of 152 keys were written`,
          ),
        ),
      });
      expect(calls.map((changes) => changes.length)).toEqual([100, 52]);
      expect((await keysBelow(etcd, shop)).map(({ key }) => key)).toEqual([
        ...Array.from({ length: 100 }, (_, at) => podName(at)),
        podName(120),
      ]);
      expect(engine.of('keys-put-back')).toMatchObject([
        { prefix: shop, written: 100, planned: 152, failed: 'put-back-conflict' },
      ]);
    });
  });
}

describe.concurrent('a cluster with authentication', () => {
  test('is written to by whoever may, and refuses the others plainly', async () => {
    await using etcd = await cluster('3.5');
    await fillShop(etcd, 20);
    for (const [name, prefix] of [
      ['keeper', shop],
      ['stranger', '/other/'],
    ] as const) {
      await etcdctl(etcd, ['role', 'add', name]);
      const granted = ['role', 'grant-permission', '--prefix=true', name, 'readwrite', prefix];
      await etcdctl(etcd, granted);
      await etcdctl(etcd, ['user', 'add', `${name}:${name}`]);
      await etcdctl(etcd, ['user', 'grant-role', name, name]);
    }
    await enableAuth(etcd, 'correct horse');
    using place = workplace(etcd);
    logIn(place, 'root', 'correct horse');
    const run = (...words: string[]) => runProgram([...words, ...place.words()]);
    await run('backup');
    const before = await keysBelow(etcd, shop);
    await etcdctl(etcd, ['del', '--prefix', shop]);

    logIn(place, 'stranger', 'stranger');
    const refused = await run('put-back', 'latest', '--prefix', shop, '--apply');
    const untouched = await keysBelow(etcd, shop);
    logIn(place, 'keeper', 'keeper');
    const applied = await run('put-back', 'latest', '--prefix', shop, '--apply');

    expect(refused).toMatchObject({ code: 12, stdout: '' });
    expect(refused.stderr).toContain('the user may not read and write these keys');
    expect(untouched).toEqual([]);
    expect(applied).toMatchObject({ code: 0 });
    expect((await keysBelow(etcd, shop)).map(({ key, value }) => [key, value])).toEqual(
      before.map(({ key, value }) => [key, value]),
    );
    expect(refused.stderr + applied.stderr + applied.stdout).not.toMatch(/correct horse|for an/);
  });
});

describe.concurrent('another cluster', () => {
  test('gets nothing unless it is forced, and then in transactions as small as it takes', async () => {
    await using etcd = await cluster('3.5');
    await fillShop(etcd, 60, 3000);
    using place = workplace(etcd);
    await runProgram(['backup', ...place.words()]);
    const limits = ['--max-txn-ops=16', '--max-request-bytes=20000'];
    await using other = await cluster('3.5', { extraArgs: limits });
    place.settings['cluster.endpoints'] = other.clientUrls.join(',');
    const words = ['put-back', 'latest', '--prefix', shop, '--apply', ...place.words()];

    const refused = await runProgram(words);
    const forced = await runProgram([...words, '--force']);

    expect(refused).toMatchObject({ code: 53, stdout: '' });
    expect(refused.stderr).toMatch(/is of cluster [0-9a-f]{16}, and cluster [0-9a-f]{16} answers/);
    expect(forced).toMatchObject({ code: 0 });
    expect(forced.stderr).toContain(`62 of 62 changed keys below ${shop} put back`);
    expect((await keysBelow(other, shop)).map(({ key, value }) => [key, value])).toEqual(
      (await keysBelow(etcd, shop)).map(({ key, value }) => [key, value]),
    );
  });
});
