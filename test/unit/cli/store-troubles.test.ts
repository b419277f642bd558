/** What the commands say of stores that are damaged or away. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { call, place, type Told } from './calling.ts';
import { stock } from './stocked.ts';

test('a changed byte fails the verification with the backup, the store and the reason', async () => {
  const at = place();
  const { id, sealed } = await stock(at, { startedAt: '2026-11-19T15:45:00Z' });
  writeFileSync(join(at.storeDir, sealed.object), 'sealed bytez');

  const told = await call(['verify', '--all', '--json', ...at.words]);

  expect(told.code).toBe('object-damaged');
  expect(JSON.parse(told.out)).toEqual([
    {
      backup: id,
      store: 'local',
      outcome: 'failed',
      failure: {
        code: 'object-damaged',
        message: expect.stringContaining(`${sealed.object} has SHA-256 `),
      },
    },
  ]);
});

test('a manifest that cannot be read is told beside the backups that can', async () => {
  const at = place();
  const { id, sealed } = await stock(at, { startedAt: '2026-11-19T15:45:00Z' });
  const broken = `${dirname(sealed.object)}/${id.replace('20261119', '20261120')}.json`;
  writeFileSync(join(at.storeDir, broken), '{');

  const told = await call(['list', '--json', ...at.words]);

  expect(JSON.parse(told.out)).toMatchObject([{ id }]);
  expect(told.err).toMatch(new RegExp(`^local: .*${broken}.*\n$`));
});

test.each([
  [
    'list',
    ['list'],
    'store-failed',
    'BACKUP  AGE  SIZE  REVISION  KEYS  PROOFS  READ  SIGNED  STORE  NOTE\n',
  ],
  ['verify', ['verify', '--all'], 'store-failed', 'BACKUP  STORE  VERDICT  DETAIL\n'],
  ['show', ['show', 'latest'], 'backup-missing', ''],
] satisfies [string, string[], Told['code'], string][])(
  'a store that is away is told, and not taken for an empty one: %s',
  async (_, command, code, out) => {
    const at = place();
    const away = `[{ name: away, type: file, path: ${at.dir}/not/mounted }]`;
    const words = at.words.map((word) =>
      word.startsWith('--stores=') ? `--stores=${away}` : word,
    );

    const told = await call([...command, ...words]);

    expect(told).toMatchObject({ code, out });
    expect(told.err).toContain('away: cannot be read: store away');
    expect(told.err).toContain(
      `${at.dir}/not does not exist; is its disk mounted?\n  Mount the disk`,
    );
  },
);
