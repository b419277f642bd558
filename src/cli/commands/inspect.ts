import { statSync } from 'node:fs';
import { Failure } from '../../core/errors.ts';
import { formatBytes } from '../../core/units.ts';
import { type ProvedFile, startProver } from '../../spool/prover.ts';
import type { Call, Command } from '../command.ts';
import { jsonOption } from '../settings.ts';
import { json, table } from '../table.ts';

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'Prove any snapshot file and show what is inside',
  usage: 'FILE [options]',
  positionals: { min: 1, max: 1 },
  options: jsonOption,
  examples: ['etcd-backupd inspect snapshot.db', 'etcd-backupd inspect snapshot.db --json'],
  codes: ['snapshot-corrupt'],
  run,
};

async function run(call: Call): Promise<number> {
  const path = call.positionals[0] as string;
  const { sizeBytes: size } = sizedFile(path);
  await using prover = startProver({ path });
  const proved = await prover.finish(size);
  const { currentRevision, compactRevision } = proved.facts;
  const hash = await prover.hashKv({ revision: currentRevision, compactRevision });
  const hashKv = { hash, revision: currentRevision, compactRevision };
  if (call.values.json) {
    call.terminal.out(json({ ...proved.facts, ...proved.digests, sizeBytes: size, hashKv }));
  } else {
    call.terminal.out(table(describe(proved, size, hash)));
  }
  return 0;
}

/** A file that can be read as a whole; throws `usage` for everything else. */
export function sizedFile(path: string): { readonly path: string; readonly sizeBytes: number } {
  try {
    const facts = statSync(path);
    if (facts.isFile()) return { path, sizeBytes: facts.size };
  } catch (error) {
    throw new Failure('usage', `cannot read ${path}: ${(error as Error).message}`);
  }
  throw new Failure('usage', `${path} is not a file`);
}

function describe({ facts, digests }: ProvedFile, size: number, hash: number): string[][] {
  const { alarms, auth, leases, members } = facts;
  const trailer = digests.trailer === 'absent' ? 'absent (cut from a data directory?)' : 'matches';
  return [
    ['hash', facts.statusHash.toString(16)],
    ['revision', facts.revision.toString()],
    ['total keys', `${facts.totalRows} rows (etcdutl 3.5), ${facts.keys} live (etcdutl 3.6)`],
    ['total size', `${formatBytes(facts.databaseBytes)} (${facts.databaseBytes} bytes)`],
    ['file', `${size} bytes, SHA-256 ${digests.fileSha256}`],
    ['trailer', trailer],
    ['storage version', facts.storageVersion ?? 'not told (before 3.6)'],
    ['cluster version', facts.clusterVersion ?? 'not told'],
    ['current revision', facts.currentRevision.toString()],
    ['compacted at', facts.compactRevision?.toString() ?? 'never'],
    ['HashKV', `${hash} at revision ${facts.currentRevision}`],
    ['members', members.map(({ name, id }) => `${name} (${id})`).join(', ') || 'none'],
    ['alarms', alarms.map(({ kind, member }) => `${kind} of ${member}`).join(', ') || 'none'],
    ['leases', String(leases.count)],
    [
      'auth',
      `${auth.enabled ? 'on' : 'off'}; ${auth.users.length} users, ${auth.roles.length} roles`,
    ],
    ['buckets', facts.buckets.map(({ name, rows }) => `${name} ${rows}`).join(', ')],
    [
      'pages',
      `${facts.databaseBytes / facts.pageSize} of ${facts.pageSize} bytes, txid ${facts.txid}`,
    ],
  ];
}
