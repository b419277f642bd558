/** The command `drill` where no etcd can be started: what it says, and how it ends. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sampleManifest } from '../core/sample-manifest.ts';
import { call, complaintOf, type Place, place } from './calling.ts';
import { stock } from './stocked.ts';

const named = { 'cluster.name': 'production' };

/** A place whose etcd program is a script that answers everything with one line. */
function placeWith(line: string): Place {
  const at = place(named);
  const program = join(at.dir, 'etcd');
  writeFileSync(program, `#!/bin/sh\necho '${line}'\n`, { mode: 0o755 });
  return { ...at, words: [...at.words, `--drill.etcdBinary=${program}`] };
}

test('a drill without an etcd program is skipped, and that is no success', async () => {
  const at = place(named);
  await stock(at, { startedAt: '2026-11-19T15:45:00Z' });
  const words = [...at.words, `--drill.etcdBinary=${at.dir}/etcd`];

  const told = await call(['drill', '--json', ...words]);

  const message = `${at.dir}/etcd cannot be run: there is no such file`;
  expect(told.code).toBe('etcd-start');
  expect(JSON.parse(told.out)).toEqual({
    outcome: 'skipped',
    failure: { code: 'etcd-start', message },
  });
  expect(told.err).toContain(`drill skipped: ${message}`);
});

test('a program that is no etcd is told from one', async () => {
  const at = placeWith('hello');

  const told = await call(['drill', ...at.words]);

  expect(told.code).toBe('etcd-start');
  expect(told.out).toBe(
    'BACKUP  STORE  DRILL    DETAIL\n' +
      `-       -      skipped  ${at.dir}/etcd is no etcd: it does not tell its version\n`,
  );
});

test('a drill of a store without a backup says so', async () => {
  const at = placeWith('etcd Version: 3.7.1');

  const told = await call(['drill', ...at.words]);

  expect(told.code).toBe('backup-missing');
  expect(told.out).toContain('there is no proved backup of cluster production');
});

test('a copy that is no database fails its drill, and is shown with it from then on', async () => {
  const at = placeWith('etcd Version: 3.7.1');
  const raw = { ...sampleManifest().raw, sizeBytes: 12 };
  const { id } = await stock(at, {
    startedAt: '2026-11-19T15:45:00Z',
    changes: { raw },
    sealed: { codec: 'none', encryption: null },
  });

  const told = await call(['drill', id, '--store', 'local', ...at.words]);
  const shown = await call(['show', id, ...at.words]);

  expect(told.code).toBe('snapshot-corrupt');
  expect(told.out).toMatch(new RegExp(`^${id} +local +failed +the file has 12 bytes`, 'm'));
  expect(told.err).toContain('Do not restore this file.');
  expect(shown.out).toMatch(/proof restored +failed/);
});

test('a cluster id that is none is refused', async () => {
  const told = await call(['drill', 'latest', '--cluster', 'xyz', ...place().words]);

  expect(told.code).toBe('usage');
  expect(complaintOf(told)).toBe('not a cluster id: "xyz"');
});
