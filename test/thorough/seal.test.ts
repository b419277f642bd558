/** Sealed backups and the standard tools: each opens what the other made. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, type TestContext, test } from 'vitest';
import { decryptAge, encryptAge } from '../../src/stream/age.ts';
import { parseIdentities } from '../../src/stream/age-keys.ts';
import { installedAge } from '../setup/binaries.ts';
import { whichProgram } from '../setup/program.ts';
import { cluster, etcdctl, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, workplace } from '../support/house.ts';
import { all, lent, noise } from '../unit/stream/bytes.ts';

const run = promisify(execFile);

const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
const shown = [...readme.matchAll(/^(?:age|zstd|gunzip) .*\.(?:age|zst|gz)$/gm)].map(
  ([line]) => line,
);

/** The official programs. CI promises them with the etcd that only Go builds. */
function officialAge(context: TestContext): string {
  const dir = installedAge();
  if (dir !== undefined) return dir;
  if (/3\.[67]/.test(process.env['MUST_RUN_ETCD'] ?? '')) throw new Error('age is missing');
  return context.skip('no age here: the Go toolchain builds it');
}

function standard(name: string, context: TestContext): string {
  const path = whichProgram(name, process.env);
  if (path !== undefined) return path;
  if (process.env['MUST_RUN_ETCD'] !== undefined) throw new Error(`${name} is missing`);
  return context.skip(`no ${name} here`);
}

async function keyPair(dir: string, age: string) {
  const file = join(dir, 'identity.txt');
  await run(join(age, 'age-keygen'), ['-o', file]);
  const { stdout } = await run(join(age, 'age-keygen'), ['-y', file]);
  return { file, recipient: stdout.trim() };
}

async function seed(etcd: TestCluster): Promise<void> {
  for (let at = 0; at < 20; at += 1) {
    await etcdctl(etcd, ['put', `key-${at}`, `value ${at} `.repeat(2000)]);
  }
}

/** The one object of the store that is no manifest, and the manifest. */
function stored(place: Workplace) {
  const files = readdirSync(place.storeDir, { recursive: true }).map(String);
  const [data = ''] = files.filter((name) => name.includes('.db'));
  const [manifest = ''] = files.filter((name) => name.endsWith('.json'));
  return {
    path: join(place.storeDir, data),
    manifest: JSON.parse(readFileSync(join(place.storeDir, manifest), 'utf8')),
  };
}

async function expectOfficialRestore(file: string, etcd: TestCluster, manifest: unknown) {
  const { raw } = manifest as { raw: { sha256: string; sizeBytes: number } };
  const bytes = readFileSync(file);
  expect(bytes).toHaveLength(raw.sizeBytes);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(raw.sha256);
  const dir = `${file}-restored`;
  await run(etcd.binaries.etcdutl as string, ['snapshot', 'restore', file, '--data-dir', dir]);
  expect(existsSync(join(dir, 'member', 'snap', 'db'))).toBe(true);
}

describe('a sealed backup', () => {
  test('opens by the words of the README, and the official tool restores it', async (context) => {
    const age = officialAge(context);
    const tools = ['zstd', 'gunzip'].map((name) => standard(name, context));
    const programs = Object.fromEntries(
      [join(age, 'age'), ...tools].map((path) => [path.slice(path.lastIndexOf('/') + 1), path]),
    );
    await using etcd = await cluster('3.5');
    await seed(etcd);
    expect(shown).toHaveLength(3);
    for (const [codec, suffix, lines] of [
      ['zstd', '.zst.age', shown.slice(0, 2)],
      ['gzip', '.gz', shown.slice(2)],
    ] as const) {
      using place = workplace(etcd);
      const key = await keyPair(place.dir, age);
      place.settings['seal.compression'] = codec;
      if (codec === 'zstd') place.settings['seal.recipients'] = key.recipient;
      expect(await runProgram(['backup', ...place.words()])).toMatchObject({ code: 0 });
      const { path, manifest } = stored(place);
      expect(path.endsWith(`.db${suffix}`)).toBe(true);
      expect(readFileSync(path).includes('value 1 value 1 value 1')).toBe(false);

      copyFileSync(path, join(place.dir, `backup.db${suffix}`));
      for (const line of lines) {
        const [name = '', ...words] = line.split(' ');
        await run(programs[name] as string, words, { cwd: place.dir });
      }

      await expectOfficialRestore(join(place.dir, 'backup.db'), etcd, manifest);
    }
  });

  test('is opened by our commands with the identity, and by none without it', async (context) => {
    const age = officialAge(context);
    await using etcd = await cluster('3.5');
    await seed(etcd);
    using place = workplace(etcd);
    const { file, recipient } = await keyPair(place.dir, age);
    const other = join(place.dir, 'other');
    mkdirSync(other);
    const stranger = await keyPair(other, age);
    place.settings['seal.compression'] = 'zstd';
    place.settings['seal.recipients'] = recipient;
    const call = (...words: string[]) => runProgram([...words, ...place.words()]);
    expect(await call('backup')).toMatchObject({ code: 0 });
    const dataDir = join(place.dir, 'data');
    const restore = ['restore', 'latest', '--data-dir', dataDir, '--name', etcd.members[0]!.name];

    for (const words of [restore, ['extract', 'latest', '--all'], ['verify', 'latest', '--deep']]) {
      for (const identity of [[], ['--identity', stranger.file]]) {
        const refused = await call(...words, ...identity);
        expect(refused).toMatchObject({ code: 59 });
        expect(refused.stdout + refused.stderr).toContain(`is encrypted to ${recipient}`);
      }
    }
    expect(existsSync(dataDir)).toBe(false);
    expect((await call('verify', 'latest')).code).toBe(0);

    const identity = ['--identity', file];
    expect(await call('verify', 'latest', '--deep', ...identity)).toMatchObject({ code: 0 });
    const extracted = await call('extract', 'latest', '--prefix', 'key-7', '--json', ...identity);
    expect(JSON.parse(extracted.stdout)).toMatchObject({ value: 'value 7 '.repeat(2000) });
    const put = await call('put-back', 'latest', '--prefix', 'key-7', ...identity);
    expect(put).toMatchObject({ code: 0, stdout: expect.stringContaining('1 the same') });
    const etcdBinary = `--drill.etcdBinary=${etcd.binaries.etcd}`;
    const drilled = await call('drill', 'latest', etcdBinary, `--seal.identityFile=${file}`);
    expect(drilled).toMatchObject({ code: 0 });
    expect(drilled.stdout).toContain('served the same HashKV');
    const checked = await call('check', `--seal.identityFile=${file}`);
    expect(checked.stdout).toContain(`encrypted to ${recipient}, and opened again`);
    expect(await call(...restore, ...identity)).toMatchObject({ code: 0 });
    expect(existsSync(join(dataDir, 'member', 'snap', 'db'))).toBe(true);
    expect(readdirSync(place.spoolDir)).toEqual([]);
  });
});

describe('the official age', () => {
  test('opens what we encrypted, and we what it did, at every border of its chunks', async (context) => {
    const age = officialAge(context);
    using place = workplace({ clientUrls: [] } as never);
    const { file, recipient } = await keyPair(place.dir, age);
    const [identity] = parseIdentities(readFileSync(file, 'utf8'), file);
    if (identity === undefined) throw new Error('no identity');
    const [plain, ours, theirs] = ['plain', 'ours', 'theirs'].map((name) => join(place.dir, name));

    for (const size of [0, 1, 65_535, 65_536, 65_537, 131_072, 1_000_000]) {
      const bytes = noise(size);
      writeFileSync(plain as string, bytes);
      writeFileSync(ours as string, await all(encryptAge(lent(bytes), [identity.publicBytes])));
      await run(join(age, 'age'), ['-r', recipient, '-o', theirs as string, plain as string]);
      const options = { encoding: 'buffer', maxBuffer: 2 ** 24 } as const;

      const byThem = await run(join(age, 'age'), ['-d', '-i', file, ours as string], options);
      const byUs = await all(decryptAge(lent(readFileSync(theirs as string)), [identity]));

      expect({ size, same: byThem.stdout.equals(bytes) }).toEqual({ size, same: true });
      expect({ size, same: byUs.equals(bytes) }).toEqual({ size, same: true });
    }
  });
});
