import { describe, expect, test } from 'vitest';
import { parseMadison, parseMirror } from '../../setup/packages.ts';

describe('the versions that packages offer', () => {
  test('are read from the table of apt-cache, each once', () => {
    const table = [
      'etcd-server | 3.5.30-2 | http://mirror.example/debian sid/main amd64 Packages',
      'etcd-server | 3.5.16-4+b12 | http://mirror.example/debian trixie/main amd64 Packages',
      'etcd-server | 3.4.23+dfsg-4+deb12u2 | http://mirror.example/debian bookworm/main amd64',
      'etcd-server | 3.4.23+dfsg-4 | http://mirror.example/debian bookworm/main amd64',
      '',
    ].join('\n');

    expect(parseMadison(table)).toEqual([
      { version: '3.5.30', debVersion: '3.5.30-2' },
      { version: '3.5.16', debVersion: '3.5.16-4+b12' },
      { version: '3.4.23', debVersion: '3.4.23+dfsg-4+deb12u2' },
    ]);
  });

  test('are none in an empty table', () => {
    expect(parseMadison('')).toEqual([]);
  });
});

describe('the mirror of the machine', () => {
  test('is the one of its release in a .sources file, not the one of its security updates', () => {
    const text = [
      'Types: deb\nURIs: http://mirror.example/security\nSuites: bookworm-security\n',
      'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates',
      'Signed-By: /usr/share/keyrings/archive.gpg\n',
    ].join('\n');

    expect(parseMirror(text, 'bookworm')).toEqual({
      uri: 'http://mirror.example/debian',
      signedBy: '/usr/share/keyrings/archive.gpg',
    });
  });

  test.each([
    ['deb http://mirror.example/debian trixie main\n', undefined],
    ['deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian trixie main\n', '/k.gpg'],
    ['deb-src http://other.example x main\ndeb http://mirror.example/debian trixie a\n', undefined],
  ])('is read from the line %j', (text, signedBy) => {
    const expected = { uri: 'http://mirror.example/debian' };

    expect(parseMirror(text, 'trixie')).toEqual(signedBy ? { ...expected, signedBy } : expected);
  });

  test('is unknown where no source has the release', () => {
    expect(parseMirror('deb http://mirror.example/other stable main\n', 'trixie')).toBeUndefined();
  });
});
