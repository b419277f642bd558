/** How backups are sealed: keys that are public, and one file that is not. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { load, problemsOf } from './loading.ts';

const recipient = 'age1dyvsqq66yq58vfuggjfz86fv89hpqsnu0w0v5jy53e8ej73uagvshtdh6a';
const other = 'age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef';
const identity = 'AGE-SECRET-KEY-1XSNHH4TTAN9S0G2CKXKDN6XVUU2M02AX8CZAMG8UGDCC923U78UQZXL2WV';

describe('recipients', () => {
  test('are taken in either spelling, several of them', () => {
    const { config } = load({ flags: [`--seal.recipients=${recipient}, ${other.toUpperCase()}`] });

    expect(config.seal.recipients).toEqual([recipient, other]);
  });

  test.each([
    ['a wrong letter', recipient.replace('yv', 'yw')],
    ['a cut one', recipient.slice(0, -1)],
    ['an SSH key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI'],
    ['a plugin', 'age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t'],
  ])('that are none are a problem of their key: %s', (_, wrong) => {
    const [problem, ...more] = problemsOf({ flags: [`--seal.recipients=${recipient},${wrong}`] });

    expect(more).toEqual([]);
    expect(problem).toMatch(/^seal\.recipients\[1\] = /);
    expect(problem).toContain('must be an age recipient');
  });

  test('are not the identity, which is never shown', () => {
    const [problem = ''] = problemsOf({ flags: [`--seal.recipients=${identity}`] });

    expect(problem).toContain('is an identity, which is secret');
    expect(problem).not.toContain('XSNHH4TTAN9');
    expect(problem).toContain('[secret]');
  });
});

describe('the identity file', () => {
  function warningsOf(make: (path: string) => void): readonly string[] {
    const folder = mkdtempSync(join(tmpdir(), 'config-seal-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'identity.txt');
    make(path);
    const stores = `[{ name: a, type: file, path: ${folder}/store }]`;
    const own = [`--stores=${stores}`, `--spool.dir=${folder}/spool`];
    const { warnings } = load({
      flags: [...own, `--seal.identityFile=${path}`],
      checkFiles: true,
      today: new Date(),
    });
    return warnings.map((text) => text.replaceAll(path, 'FILE'));
  }

  const saved = (text: string, mode: number) => (path: string) => {
    writeFileSync(path, text);
    chmodSync(path, mode);
  };

  test('passes as age-keygen makes it', () => {
    const text = `# created: today\n# public key: ${recipient}\n${identity}\n`;

    expect(warningsOf(saved(text, 0o600))).toEqual([]);
  });

  test.each([
    ['that everybody can read', saved(identity, 0o644), 'every user of this host can read FILE'],
    ['that is not there', () => undefined, 'FILE does not exist'],
    ['that is a folder', (path: string) => mkdirSync(path), 'FILE is a folder'],
    ['with a recipient', saved(recipient, 0o600), 'key 1 in FILE is no age identity'],
    ['with nothing', saved('# nothing\n', 0o600), 'FILE holds no identity'],
  ])('%s is a warning: backups are taken without it', (_, make, expected) => {
    const warnings = warningsOf(make);

    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^seal\.identityFile: /);
    expect(warnings[0]).toContain(expected);
    expect(warnings[0]).not.toContain('XSNHH');
  });
});
