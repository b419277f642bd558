/** What commands say of signatures, and how they are told whom to trust. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../../src/core/manifest.ts';
import { vouchedFor } from '../../../src/core/manifest-core.ts';
import { encodeManifest } from '../../../src/core/manifest-json.ts';
import { manifestName } from '../../../src/core/names.ts';
import { keyPair } from '../../support/signing.ts';
import { call, complaintOf, type Place, place } from './calling.ts';
import { stock } from './stocked.ts';

const mine = keyPair();
const other = keyPair();
const { fingerprint } = mine.trusted;

/** A place with one backup, signed or not. */
async function stocked(signer = mine.secret as typeof mine.secret | null) {
  const at = place({ 'cluster.name': 'production' });
  const manifest = await stock(at, {
    startedAt: '2026-11-19T15:45:00Z',
    sealed: { encryption: null },
  });
  const signed = vouchedFor(manifest, { signer, macKey: null });
  const path = join(at.storeDir, manifestName(manifest.cluster.id, manifest.id));
  writeFileSync(path, encodeManifest(signed));
  return { at, id: manifest.id, change: (edit: (one: Manifest) => Manifest) => change(edit) };

  function change(edit: (one: Manifest) => Manifest): void {
    writeFileSync(path, encodeManifest(edit(signed)));
  }
}

function file({ dir }: Place, name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('list and show', () => {
  async function wordsOf(
    { at }: Awaited<ReturnType<typeof stocked>>,
    config: readonly string[] = [],
  ) {
    const listed = await call(['list', ...config, ...at.words]);
    const shown = await call(['show', 'latest', ...config, ...at.words]);
    expect([listed.code, shown.code]).toEqual(['success', 'success']);
    const [heading = '', row = ''] = listed.out.split('\n');
    const from = heading.indexOf('SIGNED');
    return [
      row.slice(from, heading.indexOf('STORE')).trim(),
      shown.out.match(/^signature +(.*)$/m)?.[1],
    ];
  }

  test('name the trusted key that signed, and one that nobody checks with a doubt', async () => {
    const here = await stocked();
    const trusted = [`--seal.trustedKeys=${file(here.at, 'signing.pub', mine.publicPem)}`];
    const own = [`--seal.signingKeyFile=${file(here.at, 'signing.pem', mine.secretPem)}`];

    expect(await wordsOf(here, trusted)).toEqual([fingerprint, fingerprint]);
    expect(await wordsOf(here, own)).toEqual([fingerprint, fingerprint]);
    expect(await wordsOf(here)).toEqual([`${fingerprint}?`, `${fingerprint}?`]);
  });

  test('shout where a trusted key is asked for and did not sign what is there', async () => {
    const here = await stocked();
    const trusted = [`--seal.trustedKeys=${file(here.at, 'signing.pub', mine.publicPem)}`];
    const stranger = [`--seal.trustedKeys=${file(here.at, 'other.pub', other.publicPem)}`];

    expect(await wordsOf(here, stranger)).toEqual(['UNTRUSTED', 'UNTRUSTED']);
    here.change((manifest) => ({ ...manifest, host: 'another' }));
    expect(await wordsOf(here, trusted)).toEqual(['UNTRUSTED', 'UNTRUSTED']);
    here.change(({ authentication: _, ...manifest }) => manifest);
    expect(await wordsOf(here, trusted)).toEqual(['UNTRUSTED', 'UNTRUSTED']);
  });

  test('say so where nothing is signed', async () => {
    expect(await wordsOf(await stocked(null))).toEqual(['unsigned', 'unsigned']);
  });
});

test('status does not take what nobody vouches for as the newest backup', async () => {
  const { at, id } = await stocked();
  const forged = await stock(at, { startedAt: '2026-11-20T15:45:00Z' });
  const key = `--seal.trustedKeys=${file(at, 'signing.pub', mine.publicPem)}`;
  const newest = async (...words: string[]): Promise<unknown> => {
    const { out } = await call(['status', '--json', ...words, ...at.words]);
    return JSON.parse(out).stores;
  };

  expect(await newest(key)).toMatchObject([{ backups: 2, newest: id }]);
  expect(await newest()).toMatchObject([{ backups: 2, newest: forged.id }]);
  expect((await call(['status', key, ...at.words])).out).toContain(id);
});

describe('a command that opens backups', () => {
  const rest = { verify: [], extract: ['--all'], restore: ['--data-dir', '/nowhere', '--plan'] };

  test.each(Object.entries(rest))('%s trusts the key of --trust and no other', async (...named) => {
    const [command, more] = named;
    const { at, id } = await stocked();
    const [right, wrong] = [mine, other].map((pair, n) => file(at, `${n}.pub`, pair.publicPem));
    const own = `--seal.signingKeyFile=${file(at, 'own.pem', mine.secretPem)}`;
    const told = (...words: string[]) => call([command, id, ...more, ...words, ...at.words]);

    expect((await told('--trust', wrong!)).code).toBe('backup-untrusted');
    expect((await told('--trust', wrong!, own)).code).toBe('backup-untrusted');
    expect((await told('--trust', right!)).code).not.toBe('backup-untrusted');
    expect((await told(`--seal.trustedKeys=${wrong}`)).code).toBe('backup-untrusted');
    const anyway = await told(`--seal.trustedKeys=${wrong}`, '--accept-unsigned');
    expect(anyway.code).not.toBe('backup-untrusted');
  });

  const opening = [
    ['verify'],
    ['extract', '--all'],
    ['drill'],
    ['restore', '--data-dir', '/nowhere', '--name', 'm1'],
    ['init', '--data-dir', '/nowhere', '--name', 'm1'],
    ['put-back', '--prefix', 'a'],
  ];
  test.each(opening)(
    '%s refuses an empty --trust, and one beside --accept-unsigned',
    async (...words) => {
      const [command = '', ...more] = words;
      const told = (...given: string[]) =>
        call([command, 'latest', ...more, ...given, ...place().words]);

      expect(complaintOf(await told('--trust', ''))).toBe('--trust is empty');
      expect(complaintOf(await told('--trust', '/k', '--accept-unsigned'))).toBe(
        '--trust and --accept-unsigned contradict each other',
      );
    },
  );

  test('says which file holds no key', async () => {
    const { at, id } = await stocked();
    const path = file(at, 'none.pub', 'hello');

    const told = await call(['extract', id, '--all', '--trust', path, ...at.words]);

    expect(told.code).toBe('config-invalid');
    expect(complaintOf(told)).toBe(`${path} holds no public key in PEM`);
  });

  test('does without the private key where others are trusted, and not where it is alone', async () => {
    const { at, id } = await stocked();
    const lost = `--seal.signingKeyFile=${join(at.dir, 'lost.pem')}`;
    const key = `--seal.trustedKeys=${mine.publicPem.split('\n')[1]}`;

    const alone = await call(['restore', id, '--data-dir', '/x', '--plan', lost, ...at.words]);
    const among = await call(['restore', id, '--data-dir', '/x', '--plan', lost, key, ...at.words]);

    expect(alone.code).toBe('config-invalid');
    expect(among.code).toBe('success');
  });
});
