/** The identity that opens encrypted backups, as the commands take it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { call, complaintOf, place } from './calling.ts';
import { stock } from './stocked.ts';

const recipient = 'age1qqqqqqqqqqqqqqqqqqqqqq';
const opening = [
  ['verify', '--deep'],
  ['extract', '--all'],
  ['drill'],
  ['restore', '--data-dir', '/nowhere', '--name', 'm1'],
  ['init', '--data-dir', '/nowhere', '--name', 'm1'],
  ['put-back', '--prefix', 'a'],
];

test.each(opening)('%s refuses an empty --identity', async (command, ...words) => {
  const told = await call([command, 'latest', ...words, '--identity', '', ...place().words]);

  expect(told.code).toBe('usage');
  expect(complaintOf(told)).toBe('--identity is empty');
});

test('without any, an encrypted backup names its recipients', async () => {
  const at = place({ 'cluster.name': 'production' });
  const { id } = await stock(at, { startedAt: '2026-11-19T15:45:00Z' });

  const told = await call(['verify', id, '--deep', ...at.words]);

  expect(told.code).toBe('backup-locked');
  expect(told.out).toContain(`${id} is encrypted to ${recipient}, and no identity was given`);
  expect(told.out).toContain('unread');
});

test('a file that holds none is named, and what it holds is not shown', async () => {
  const at = place({ 'cluster.name': 'production' });
  const { id } = await stock(at, { startedAt: '2026-11-19T15:45:00Z' });
  const file = join(at.dir, 'identity');
  writeFileSync(file, 'AGE-SECRET-KEY-1NOTQUITE\n');

  const told = await call(['extract', id, '--all', '--identity', file, ...at.words]);

  expect(told.code).toBe('config-invalid');
  expect(complaintOf(told)).toBe(`key 1 in ${file} is no age identity (AGE-SECRET-KEY-1...)`);
  expect(told.out + told.err).not.toContain('NOTQUITE');
});
