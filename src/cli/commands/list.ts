import { proofNames } from '../../core/backup.ts';
import { isProved, type Manifest } from '../../core/manifest.ts';
import { encodeManifest } from '../../core/manifest-json.ts';
import { isDamaged, lastRead } from '../../core/reading.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, openForCommand } from '../settings.ts';
import { type Copy, holdings, shelfOptions, tellTroubles } from '../shelves.ts';
import { json, table } from '../table.ts';

export const listCommand: Command = {
  name: 'list',
  summary: 'Show the backups that the stores hold, newest last',
  usage: '[options]',
  positionals: { min: 0, max: 0 },
  options: { ...configOptions, ...shelfOptions, ...jsonOption },
  examples: ['etcd-backupd list', 'etcd-backupd list --store local --json'],
  codes: ['store-failed', 'store-denied'],
  run,
};

async function run(call: Call): Promise<number> {
  await using house = openForCommand(call);
  const found = await holdings(call, house.deps);
  if (call.values.json) call.terminal.out(json(found.copies.map(asJson)));
  else call.terminal.out(asTable(found.copies, house.deps.now()));
  return tellTroubles(call, found);
}

function asJson({ shelf, manifest }: Copy): unknown {
  return { store: shelf.store.name, ...JSON.parse(encodeManifest(manifest)) };
}

function asTable(copies: readonly Copy[], now: Date): string {
  const heading = ['BACKUP', 'AGE', 'SIZE', 'REVISION', 'KEYS', 'PROOFS', 'READ', 'STORE', 'NOTE'];
  const rows = copies.map(({ shelf, manifest }) => [
    manifest.id,
    ageOf(manifest.startedAt, now),
    formatBytes(manifest.sealed.sizeBytes),
    manifest.revision.toString(),
    String(manifest.keys),
    proofsOf(manifest),
    ageOf(lastRead(manifest), now),
    shelf.store.name,
    noteOf(manifest),
  ]);
  return table([heading, ...rows]);
}

/** How long ago; "never" for no time at all. */
export function ageOf(at: Date | undefined, now: Date): string {
  return at === undefined ? 'never' : formatDuration(Math.max(0, now.getTime() - at.getTime()));
}

/** The proofs that passed; one that failed is shouted. */
export function proofsOf({ proofs }: Manifest): string {
  const shown = proofNames.flatMap((name) => {
    const outcome = proofs[name]?.outcome;
    if (outcome === 'passed') return [name];
    return outcome === 'failed' ? [`${name.toUpperCase()} FAILED`] : [];
  });
  return shown.join(',') || 'none';
}

function noteOf(manifest: Manifest): string {
  const notes = [
    manifest.hold === null ? [] : [`held: ${manifest.hold.reason}`],
    isDamaged(manifest) ? ['damaged'] : [],
    isProved(manifest) ? [] : ['not proved: do not restore'],
    manifest.found.alarms.map(({ kind }) => `alarm ${kind} inside`),
  ];
  return notes.flat().join('; ');
}
