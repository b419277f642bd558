import { Failure } from '../../core/errors.ts';
import { keyText, utf8Text } from '../../core/key-text.ts';
import { type OpenedSnapshot, openBackup, openSnapshotFile } from '../../engine/extract.ts';
import type { StoredKey } from '../../format/stored-keys.ts';
import { startProver } from '../../spool/prover.ts';
import type { Call, Command } from '../command.ts';
import { backupOptions, fileNamed, prefixOf, prefixOptions } from '../keys-options.ts';
import { wantedOf } from '../restore-options.ts';
import { configOptions, openForCommand } from '../settings.ts';
import { sizedFile } from './inspect.ts';

export const extractCommand: Command = {
  name: 'extract',
  summary: 'Show the keys in a backup or a snapshot file; with --json also their values',
  usage: 'BACKUP|latest|FILE --prefix TEXT|--all [options]',
  positionals: { min: 1, max: 1 },
  options: {
    ...configOptions,
    ...backupOptions,
    ...prefixOptions,
    all: { type: 'boolean', doc: 'every key' },
    json: { type: 'boolean', doc: 'print a line of JSON for each key, with its value' },
  },
  examples: [
    'etcd-backupd extract latest --prefix /registry/pods/shop/',
    'etcd-backupd extract latest --prefix /registry/configmaps/shop/ --json > shop.jsonl',
    'etcd-backupd extract snapshot.db --all',
  ],
  codes: [
    'backup-missing',
    'backup-locked',
    'backup-untrusted',
    'object-damaged',
    'snapshot-corrupt',
    'store-failed',
  ],
  run,
};

async function run(call: Call): Promise<number> {
  const prefix = prefixOf(call);
  const all = call.values.all === true;
  if (all === (prefix !== null)) throw new Failure('usage', 'extract takes --prefix, or --all');
  const wanted = prefix ?? new Uint8Array();
  const path = fileNamed(call);
  if (path !== undefined) {
    await using file = await openSnapshotFile(sizedFile(path), { prove: startProver });
    return await print(file, wanted, call);
  }
  const named = wantedOf(call);
  await using house = openForCommand(call);
  const onProgress = (done: number, total: number) => house.progress.show('fetch', done, total);
  const { signal } = call;
  await using backup = await openBackup(named, house.deps, { signal, onProgress });
  house.progress.clear();
  return await print(backup, wanted, call);
}

/** Enough for one write to be worth its call. */
const pieceLength = 64 * 1024;

async function print(snapshot: OpenedSnapshot, prefix: Uint8Array, call: Call): Promise<number> {
  const { terminal, signal } = call;
  const asJson = call.values.json === true;
  let text = asJson ? '' : row(['MODIFIED', 'VERSION', 'BYTES', 'LEASE', 'KEY']);
  let count = 0;
  for await (const stored of snapshot.keys(prefix, { signal })) {
    count += 1;
    text += asJson ? jsonLine(stored, snapshot.valueOf(stored)) : row(factsOf(stored));
    if (text.length < pieceLength) continue;
    terminal.out(text);
    text = '';
    if (!(await terminal.ready())) return 0;
  }
  terminal.out(text);
  await terminal.ready();
  if (!asJson) terminal.err(`${count} ${count === 1 ? 'key' : 'keys'}; --json shows values too\n`);
  return 0;
}

function jsonLine(stored: StoredKey, value: Uint8Array): string {
  const { createRevision, modRevision, version, lease } = stored;
  const line = {
    ...named('key', stored.key),
    createRevision: createRevision.toString(),
    modRevision: modRevision.toString(),
    version: version.toString(),
    lease: leaseText(lease),
    ...named('value', value),
  };
  return `${JSON.stringify(line)}\n`;
}

/** Bytes that are no text have a field of another name, so that nobody takes one for the other. */
function named(name: string, bytes: Uint8Array): Record<string, string> {
  const text = utf8Text(bytes);
  if (text !== undefined) return { [name]: text };
  return { [`${name}Base64`]: Buffer.from(bytes).toString('base64') };
}

/** As etcdctl names leases. */
function leaseText(lease: bigint): string | null {
  return lease === 0n ? null : BigInt.asUintN(64, lease).toString(16).padStart(16, '0');
}

function factsOf({ key, modRevision, version, valueBytes, lease }: StoredKey): string[] {
  const numbers = [modRevision, version, valueBytes].map(String);
  return [...numbers, leaseText(lease) ?? '-', keyText(key)];
}

/** Keys come one by one: the columns are as wide as they usually need. */
function row([modified = '', version = '', bytes = '', lease = '', key = '']: string[]): string {
  const numbers = `${modified.padStart(12)}  ${version.padStart(8)}  ${bytes.padStart(9)}`;
  return `${numbers}  ${lease.padEnd(16)}  ${key}\n`;
}
