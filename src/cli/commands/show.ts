import { encodeManifest } from '../../core/manifest-json.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, openForCommand } from '../settings.ts';
import { type Copy, copiesOf, holdings, shelfOptions, tellTroubles } from '../shelves.ts';
import { signedWords } from '../signed-word.ts';
import { json, table } from '../table.ts';

export const showCommand: Command = {
  name: 'show',
  summary: 'Show all that is known of one backup',
  usage: 'BACKUP|latest [options]',
  positionals: { min: 1, max: 1 },
  options: { ...configOptions, ...shelfOptions, ...jsonOption },
  examples: ['etcd-backupd show latest', 'etcd-backupd show latest --json'],
  codes: ['backup-missing', 'store-failed'],
  run,
};

async function run(call: Call): Promise<number> {
  await using house = openForCommand(call);
  const found = await holdings(call, house.deps);
  const status = tellTroubles(call, found);
  const copies = copiesOf(call, found);
  if (call.values.json) {
    const shown = copies.map(({ shelf, manifest }) => {
      return { store: shelf.store.name, manifest: JSON.parse(encodeManifest(manifest)) };
    });
    call.terminal.out(json(shown));
  } else {
    const signed = signedWords(house.deps.trust);
    call.terminal.out(copies.map((copy) => describe(copy, signed(copy.manifest))).join('\n'));
  }
  return status;
}

function describe({ shelf, manifest }: Copy, signed: string): string {
  const { source, cluster, hashKv, raw, steps, found } = manifest;
  const took = Object.entries(steps).map(([step, ms]) => `${step} ${formatDuration(ms)}`);
  const facts = [
    ['backup', manifest.id],
    ['store', `${shelf.store.describe()}, object ${manifest.sealed.object}`],
    ['cluster', `${cluster.name} (${cluster.id})`],
    ['source', `${source.role} ${source.name} (${source.memberId}), etcd ${source.serverVersion}`],
    ['started', manifest.startedAt.toISOString()],
    ['took', took.join(', ')],
    ['size', `${formatBytes(raw.sizeBytes)} (${raw.sizeBytes} bytes)`],
    ['sha256', raw.sha256],
    ['revision', `${manifest.revision}, compacted at ${manifest.compactRevision ?? 'never'}`],
    ['keys', `${manifest.keys} live, ${manifest.totalRows} rows in all buckets`],
    ['status hash', manifest.statusHash.toString(16)],
    ['HashKV', `${hashKv.hash} at revision ${hashKv.revision}`],
    ['members', found.members.map(({ name, id }) => `${name} (${id})`).join(', ')],
    ['alarms', found.alarms.map(({ kind, member }) => `${kind} of ${member}`).join(', ') || 'none'],
    ['leases', String(found.leases)],
    ['auth', found.authEnabled ? 'on' : 'off'],
    ['signature', signed],
    ['hold', manifest.hold === null ? 'none' : manifest.hold.reason],
  ];
  return table(facts) + proofLines(manifest.proofs);
}

function proofLines(proofs: Copy['manifest']['proofs']): string {
  const rows = Object.entries(proofs).map(([name, { outcome, at, evidence }]) => [
    `proof ${name}`,
    outcome,
    at.toISOString(),
    Object.entries(evidence)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  ]);
  return table(rows);
}
