import { Failure } from '../../core/errors.ts';
import { keyText, utf8Text } from '../../core/key-text.ts';
import { type Approve, openBackup, openSnapshotFile } from '../../engine/extract.ts';
import { type PutBackOrder, type PutBackReport, putBack } from '../../engine/put-back.ts';
import type { Call, Command } from '../command.ts';
import { backupOptions, fileNamed, prefixOf, prefixOptions } from '../keys-options.ts';
import { wantedOf } from '../restore-options.ts';
import { configOptions, jsonOption, type OpenHouse, openForCommand } from '../settings.ts';
import { json, table } from '../table.ts';
import { sizedFile } from './inspect.ts';

const usualLines = 100;

export const putBackCommand: Command = {
  name: 'put-back',
  summary: 'Put some keys of a backup back into the running cluster; without --apply only compare',
  usage: 'BACKUP|latest|FILE --prefix TEXT [options]',
  positionals: { min: 1, max: 1 },
  options: {
    ...configOptions,
    ...backupOptions,
    ...prefixOptions,
    'delete-extra': { type: 'boolean', doc: 'delete keys that the backup does not have' },
    apply: { type: 'boolean', doc: 'write; without it nothing is changed' },
    force: { type: 'boolean', doc: 'also into another cluster, from a file, unproved' },
    lines: { type: 'string', value: 'N', doc: `name N differences (default: ${usualLines})` },
    ...jsonOption,
  },
  examples: [
    'etcd-backupd put-back latest --prefix /registry/configmaps/shop/',
    'etcd-backupd put-back latest --prefix /registry/configmaps/shop/ --apply',
  ],
  codes: [
    'put-back-conflict',
    'restore-refused',
    'backup-missing',
    'backup-locked',
    'backup-untrusted',
    'object-damaged',
    'cluster-unreachable',
    'cluster-permission',
    'revision-unavailable',
  ],
  run,
};

async function run(call: Call): Promise<number> {
  const order = orderOf(call);
  const path = fileNamed(call);
  const file = path === undefined ? undefined : sizedFile(path);
  const wanted = file === undefined ? wantedOf(call) : undefined;
  await using house = openForCommand(call);
  const open = async (approve: Approve) => {
    if (wanted !== undefined) return await fetchBackup(wanted, approve, call, house);
    await approve(null);
    return await openSnapshotFile(file as ReturnType<typeof sizedFile>, house.deps);
  };
  const report = await putBack(open, order, house.deps, call);
  call.terminal.out(call.values.json ? json(asJson(report)) : asText(report));
  return 0;
}

async function fetchBackup(
  wanted: ReturnType<typeof wantedOf>,
  approve: Approve,
  { signal }: Call,
  { deps, progress }: OpenHouse,
) {
  const onProgress = (done: number, total: number) => progress.show('fetch', done, total);
  const opened = await openBackup(wanted, deps, { signal, onProgress, approve });
  progress.clear();
  return opened;
}

function orderOf(call: Pick<Call, 'values'>): PutBackOrder {
  const prefix = prefixOf(call);
  if (prefix === null) {
    throw new Failure('usage', 'name the keys with --prefix', {
      hint: 'There is no way to put all keys back: a whole cluster comes back with "restore".',
    });
  }
  const { lines = String(usualLines), ...flags } = call.values;
  if (typeof lines !== 'string' || !/^\d{1,6}$/.test(lines)) {
    throw new Failure('usage', `--lines takes a number, not ${lines}`);
  }
  return {
    prefix,
    deleteExtra: flags['delete-extra'] === true,
    apply: flags.apply === true,
    force: flags.force === true,
    lines: Number(lines),
  };
}

function unnamedOf({ counts, named }: PutBackReport): number {
  return counts.create + counts.overwrite + counts.delete + counts.keep - named.length;
}

function asJson(report: PutBackReport): unknown {
  const named = report.named.map(({ deed, key }) => {
    const text = utf8Text(key);
    return { deed, ...(text === undefined ? { keyBase64: base64(key) } : { key: text }) };
  });
  return { ...report, named, unnamed: unnamedOf(report) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function asText(report: PutBackReport): string {
  const { counts, applied, leasesLost } = report;
  const unnamed = unnamedOf(report);
  const lines = [
    ...(unnamed === 0 ? [] : [`and ${unnamed} more (--lines shows more of them)`]),
    `${counts.create} ${applied ? 'created' : 'to create'}, ` +
      `${counts.overwrite} ${applied ? 'overwritten' : 'to overwrite'}, ` +
      `${counts.delete} ${applied ? 'deleted' : 'to delete'}, ` +
      `${counts.keep} only in the cluster and kept, ${counts.same} the same`,
    ...(leasesLost === 0 ? [] : [leases(leasesLost, applied)]),
    ...(applied ? [] : ['nothing was written; --apply writes it']),
  ];
  const deeds = report.named.map(({ deed, key }) => [deed, keyText(key)]);
  return `${table(deeds)}${lines.map((line) => `${line}\n`).join('')}`;
}

/** A lease that ran out cannot be had back, and a key under it would vanish at once. */
function leases(count: number, applied: boolean): string {
  const verb = applied ? 'came' : 'will come';
  const keys = count === 1 ? '1 key' : `${count} keys`;
  return `${keys} with a lease ${verb} back without it: nothing makes them expire`;
}
