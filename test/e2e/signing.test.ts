/** Signed backups of a real etcd: taken, tampered with, refused, restored by who has the public key. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, type TestContext, test } from 'vitest';
import { recipientText } from '../../src/core/age-text.ts';
import { parseTrustedKey } from '../../src/core/signing-key.ts';
import { parseIdentities } from '../../src/stream/age-keys.ts';
import { bringTool } from '../setup/tool.ts';
import { cluster, etcdctl, type TestCluster } from '../support/etcd.ts';
import { readGuide } from '../support/guides.ts';
import { runProgram, type Workplace, workplace } from '../support/house.ts';
import { served } from '../support/restoring.ts';

const run = promisify(execFile);
const making = readGuide('README.md').commands.filter((line) => /^openssl .* signing\./.test(line));

/** Runs lines of a shell that need these programs. CI promises them. */
async function shellWith(names: readonly string[], context: TestContext) {
  let env = process.env;
  try {
    for (const name of names) env = await bringTool(name, env);
  } catch (error) {
    if (process.env['MUST_RUN_ETCD'] !== undefined) throw error;
    context.skip(String(error));
  }
  return async (lines: readonly string[], cwd: string): Promise<string> =>
    (await run('sh', ['-ec', lines.join('\n')], { cwd, env })).stdout;
}

/** A cluster with one key, and a place that has keys as the README makes them. */
async function signedPlace(etcd: TestCluster, context: TestContext): Promise<Workplace> {
  const shell = await shellWith(['openssl'], context);
  const place = workplace(etcd);
  expect(making).toHaveLength(2);
  await shell(making, place.dir);
  await etcdctl(etcd, ['put', '/newest', 'the value']);
  return place;
}

const call = (place: Workplace, ...words: string[]) => runProgram([...words, ...place.words()]);

/** The manifests of the store by their paths, oldest first. */
function manifests({ storeDir }: Workplace): string[] {
  const files = readdirSync(storeDir, { recursive: true }).map(String);
  return files
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((one) => join(storeDir, one));
}

type Json = Record<string, object>;

function edit(path: string, change: (manifest: Json) => unknown): void {
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  change(manifest);
  writeFileSync(path, JSON.stringify(manifest));
}

function opening(etcd: TestCluster, dataDir: string): string[][] {
  const [{ name = '' } = {}] = etcd.members;
  const [binary, there] = [`--drill.etcdBinary=${etcd.binaries.etcd}`, ['--data-dir', dataDir]];
  return [
    ['restore', 'latest', ...there, '--name', name],
    ['restore', 'latest', ...there, '--plan'],
    ['restore', 'latest', ...there, '--name', name, '--force'],
    ['init', 'latest', ...there, '--name', name, '--allow-none'],
    ['extract', 'latest', '--all'],
    ['put-back', 'latest', '--prefix', '/newest'],
    ['verify', 'latest'],
    ['verify', 'latest', '--deep'],
    ['drill', 'latest', binary],
  ];
}

describe('a signed backup', () => {
  test('is restored with the public key alone, and refused when somebody changed it', async (context) => {
    await using etcd = await cluster('3.5');
    using place = await signedPlace(etcd, context);
    const [secret, trusted] = ['signing.pem', 'signing.pub'].map((one) => join(place.dir, one));
    const signing = `--seal.signingKeyFile=${secret}`;
    expect(await call(place, 'backup', signing)).toMatchObject({ code: 0 });
    const { fingerprint } = parseTrustedKey(readFileSync(trusted!, 'utf8'), 'x');
    expect((await call(place, 'list', signing)).stdout).toContain(` ${fingerprint} `);
    const checked = await call(place, 'check', signing);
    expect(checked.stdout).toMatch(new RegExp(`ok +signature +signed by ${fingerprint}`));
    const [path = ''] = manifests(place);
    const right = readFileSync(path);
    const [{ name = '' } = {}] = etcd.members;
    const hosts = join(place.dir, 'hosts');
    const dataDir = join(hosts, name);
    mkdirSync(hosts);

    const all = opening(etcd, dataDir);
    for (const [change, roads] of [
      [(one: Json) => Object.assign(one['source'] ?? {}, { name: 'another' }), all],
      [(one: Json) => delete one['authentication'], all.slice(0, 1)],
    ] as const) {
      edit(path, change);
      for (const words of roads) {
        const refused = await call(place, ...words, '--trust', trusted!);
        expect({ words, ...refused }).toMatchObject({ code: 60 });
        expect(refused.stdout + refused.stderr).toMatch(/the manifest of backup \S+ (is not|was)/);
      }
      expect((await call(place, 'list', signing)).stdout).toContain(' UNTRUSTED ');
      writeFileSync(path, right);
    }
    expect(readdirSync(hosts)).toEqual([]);
    expect(readdirSync(place.spoolDir)).toEqual([]);

    for (const words of opening(etcd, dataDir).slice(4)) {
      const opened = await call(place, ...words, '--trust', trusted!);
      expect({ words, ...opened }).toMatchObject({ code: 0 });
    }
    // The key has to fit also after a verification and a drill have written into the manifest.
    const restoring = ['restore', 'latest', '--data-dir', dataDir, '--name', name];
    expect(await call(place, ...restoring, '--trust', trusted!)).toMatchObject({ code: 0 });
    await etcd.stop();
    expect(await served(etcd, dataDir)).toEqual(['/newest']);
  });

  test('is taken unsigned only when somebody says so', async (context) => {
    await using etcd = await cluster('3.5');
    using place = await signedPlace(etcd, context);
    expect(await call(place, 'backup')).toMatchObject({ code: 0 });
    place.settings['seal.trustedKeys'] = join(place.dir, 'signing.pub');
    const dataDir = join(place.dir, 'data');
    const [restoring = []] = opening(etcd, dataDir);

    expect((await call(place, ...restoring)).code).toBe(60);
    expect((await call(place, ...restoring, '--force')).code).toBe(60);
    expect(existsSync(dataDir)).toBe(false);

    expect(await call(place, ...restoring, '--accept-unsigned')).toMatchObject({ code: 0 });
  });

  test('is signed by the key that lies there now', async (context) => {
    await using etcd = await cluster('3.5');
    using place = await signedPlace(etcd, context);
    place.settings['seal.signingKeyFile'] = join(place.dir, 'signing.pem');
    expect(await call(place, 'backup')).toMatchObject({ code: 0 });
    const shell = await shellWith(['openssl'], context);
    await shell(['cp signing.pub old.pub', ...making], place.dir);
    expect(await call(place, 'backup')).toMatchObject({ code: 0 });

    const own = await call(place, 'verify', '--all');
    const both = await call(place, 'verify', '--all', `--seal.trustedKeys=${place.dir}/old.pub`);

    expect(own.code).toBe(60);
    expect(own.stdout.match(/passed/g)).toHaveLength(1);
    expect(both).toMatchObject({ code: 0 });
    expect(both.stdout.match(/passed/g)).toHaveLength(2);
  });
});

describe('an encrypted backup without a signing key', () => {
  const secret = 'AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0';

  test('is refused by who opens it when its manifest was changed', async () => {
    const [identity] = parseIdentities(secret, 'a test');
    await using etcd = await cluster('3.5');
    using place = workplace(etcd);
    await etcdctl(etcd, ['put', '/newest', 'the value']);
    place.settings['seal.recipients'] = recipientText(identity!.publicBytes);
    place.settings['seal.compression'] = 'zstd';
    expect(await call(place, 'backup')).toMatchObject({ code: 0 });
    const file = join(place.dir, 'identity');
    writeFileSync(file, secret, { mode: 0o600 });
    const [path = ''] = manifests(place);
    const right = readFileSync(path);
    const dataDir = join(place.dir, 'data');
    const [restoring = []] = opening(etcd, dataDir);

    edit(path, (manifest) => Object.assign(manifest, { host: 'another' }));
    const refused = await call(place, ...restoring, '--identity', file);

    expect(refused).toMatchObject({ code: 60 });
    expect(refused.stderr).toContain('was changed, or its data was exchanged, since');
    expect(existsSync(dataDir)).toBe(false);
    expect((await call(place, 'verify', 'latest')).code).toBe(0);
    writeFileSync(path, right);
    expect(await call(place, ...restoring, '--identity', file)).toMatchObject({ code: 0 });
  });
});
