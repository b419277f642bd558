/** The key that signs, which is secret, and those that are trusted, which are not. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { keyPair } from '../../support/signing.ts';
import { load, problemsOf } from './loading.ts';

const { secretPem, publicPem } = keyPair();
const line = (pem: string): string => pem.split('\n')[1] as string;

describe('trusted keys', () => {
  test('are files and keys, several of them', () => {
    const named = ['/etc/signing.pub', line(publicPem)];

    const { config } = load({ flags: [`--seal.trustedKeys=${named.join(',')}`] });

    expect(config.seal).toMatchObject({ trustedKeys: named, signingKeyFile: null });
  });

  test('are none by default, and then no key signs', () => {
    expect(load({}).config.seal).toMatchObject({ trustedKeys: [], signingKeyFile: null });
  });

  test.each([
    ['a relative path', 'signing.pub'],
    ['a cut key', line(publicPem).slice(0, -4)],
    ['an SSH key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI'],
  ])('that are none are a problem of their key: %s', (_, wrong) => {
    const [problem, ...more] = problemsOf({ flags: [`--seal.trustedKeys=/a,${wrong}`] });

    expect(more).toEqual([]);
    expect(problem).toMatch(/^seal\.trustedKeys\[1\] = /);
    expect(problem).toContain('must be the absolute path of an Ed25519 public key');
  });

  test.each([
    ['trustedKeys', secretPem],
    ['trustedKeys', line(secretPem)],
    ['signingKeyFile', secretPem],
    ['signingKeyFile', line(secretPem)],
  ])('are not the private one, which is never shown: %s', (key, secret) => {
    const [problem = ''] = problemsOf({ flags: [`--seal.${key}=${secret}`] });

    expect(problem).toContain('[secret]');
    expect(problem).not.toContain(line(secretPem).slice(16, 40));
  });

  test('without a key that signs are worth a warning, and with one they are not', () => {
    const keys = '--seal.trustedKeys=/etc/signing.pub';

    expect(load({ flags: [keys] }).warnings).toEqual([
      'seal.trustedKeys without seal.signingKeyFile: this host would refuse what it backs up',
    ]);
    expect(load({ flags: [keys, '--seal.signingKeyFile=/k'] }).warnings).toEqual([]);
  });
});

describe('the files', () => {
  function warningsOf(
    given: { readonly secret?: string; readonly trusted?: string },
    mode = 0o600,
  ) {
    const folder = mkdtempSync(join(tmpdir(), 'config-signing-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [secret, trusted] = [join(folder, 'signing.pem'), join(folder, 'signing.pub')];
    for (const [path, text] of [
      [secret, given.secret],
      [trusted, given.trusted],
    ] as const) {
      if (text === undefined) continue;
      writeFileSync(path, text);
      chmodSync(path, mode);
    }
    const { warnings } = load({
      flags: [
        `--stores=[{ name: a, type: file, path: ${folder}/store }]`,
        `--spool.dir=${folder}/spool`,
        `--seal.signingKeyFile=${secret}`,
        `--seal.trustedKeys=${trusted}`,
      ],
      checkFiles: true,
      today: new Date(),
    });
    return warnings.map((text) => text.replaceAll(`${folder}/`, ''));
  }

  test('pass as openssl makes them', () => {
    expect(warningsOf({ secret: secretPem, trusted: publicPem })).toEqual([]);
  });

  test.each([
    ['no key that signs', { trusted: publicPem }, 'signingKeyFile: signing.pem does not exist'],
    [
      'a public key in its place',
      { secret: publicPem, trusted: publicPem },
      'signingKeyFile: signing.pem holds no private key in PEM',
    ],
    ['no trusted key', { secret: secretPem }, 'trustedKeys: signing.pub does not exist'],
    [
      'a private key in its place',
      { secret: secretPem, trusted: secretPem },
      'trustedKeys: signing.pub holds a private key',
    ],
  ])('are only a warning, because a restore must begin with what is left: %s', (_, given, said) => {
    const warnings = warningsOf(given);

    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`seal.${said}`);
    expect(warnings[0]).not.toContain(line(secretPem));
  });

  test('are worth a warning where every user can read the one that signs', () => {
    const [warning, ...more] = warningsOf({ secret: secretPem, trusted: publicPem }, 0o644);

    expect(more).toEqual([]);
    expect(warning).toContain('every user of this host can read signing.pem');
  });
});
