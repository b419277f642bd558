/** docs/formats.md: a stranger with openssl, jq and coreutils finds what it says. */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { parseObjectName } from '../../src/core/names.ts';
import { bringTool } from '../setup/tool.ts';
import { cluster, etcdctl } from '../support/etcd.ts';
import { follow, readGuide } from '../support/guides.ts';
import { workplace } from '../support/house.ts';

const guide = readGuide('docs/formats.md');

/** CI promises the programs that the guide names. */
async function strangersTools(context: TestContext): Promise<NodeJS.ProcessEnv> {
  try {
    let env = process.env;
    for (const name of ['curl', 'jq', 'openssl', 'zstd']) env = await bringTool(name, env);
    return env;
  } catch (error) {
    if (process.env['MUST_RUN_ETCD'] !== undefined) throw error;
    return context.skip(String(error));
  }
}

test('a signed backup is what the formats say, found with standard tools', async (context) => {
  const env = await strangersTools(context);
  await using etcd = await cluster('3.5');
  using place = workplace(etcd);
  const shell = { etcd, place, env };
  const making = readGuide('README.md').commands.filter((line) => / signing\.p/.test(line));
  await etcdctl(etcd, ['put', 'the-key', 'the value']);
  await follow(making, shell);
  place.settings['seal.compression'] = 'zstd';
  place.settings['seal.signingKeyFile'] = join(place.dir, 'signing.pem');
  await follow(['etcd-backupd backup', 'etcd-backupd hold latest --reason why'], shell);
  const names = readdirSync(place.storeDir, { recursive: true }).map(String);
  const [data = '', json = ''] = ['.db.zst', '.json'].map((end) => {
    return names.find((name) => name.endsWith(end));
  });
  copyFileSync(join(place.storeDir, data), join(place.dir, 'backup.db.zst'));
  const copy = join(place.dir, 'backup.json');
  const manifest = JSON.parse(readFileSync(join(place.storeDir, json), 'utf8'));
  writeFileSync(copy, JSON.stringify(manifest));
  await follow(['zstd -q -d backup.db.zst'], shell);
  const pair = (text: string): (string | undefined)[] => text.match(/\b[0-9a-f]{16,64}\b/g) ?? [];
  const blocks = guide.blocks.filter(({ language }) => language === 'sh');
  const [trailer = [], signature = [], digest = [], key = []] = blocks.map(({ lines }) => lines);

  const trailers = pair(await follow(trailer, shell));
  const digests = pair(await follow(digest, shell));
  const keys = pair(await follow(key, shell));
  const verdict = await follow(signature, shell);
  manifest.host = 'another';
  writeFileSync(copy, JSON.stringify(manifest));
  const changed = follow(signature, shell);

  expect(blocks).toHaveLength(4);
  expect(parseObjectName(data)).toMatchObject({ kind: 'data', cluster: manifest.cluster.id });
  expect(parseObjectName(json)).toMatchObject({ kind: 'manifest', id: manifest.id });
  expect(trailers).toEqual([manifest.proofs.received.evidence.trailer, trailers[0]]);
  expect(digests).toEqual([manifest.sealed.sha256, manifest.sealed.sha256]);
  expect(keys).toEqual([manifest.authentication.signature.key, keys[0]]);
  expect(verdict).toContain('Signature Verified Successfully');
  await expect(changed).rejects.toThrow();
});
