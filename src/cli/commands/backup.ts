import { Failure, toFailure } from '../../core/errors.ts';
import { type BackupReport, takeBackup } from '../../engine/backup.ts';
import { sweepSpool } from '../../engine/prepare.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, type OpenHouse, openForCommand } from '../settings.ts';
import { json } from '../table.ts';

export const backupCommand: Command = {
  name: 'backup',
  summary: 'Take one proved backup now, into every store',
  usage: '[options]',
  positionals: { min: 0, max: 0 },
  options: { ...configOptions, ...jsonOption },
  examples: ['etcd-backupd backup', 'etcd-backupd backup --config /etc/etcd-backupd/config.yaml'],
  codes: ['cluster-unreachable', 'no-source', 'snapshot-corrupt', 'hash-mismatch', 'store-failed'],
  run,
};

/** A backup that a store did not get ends with that store's status, though others have it. */
async function run(call: Call): Promise<number> {
  await using house = openForCommand(call, { notifies: true });
  const { id, result, failures } = await takeTold(house, call);
  const stores = house.deps.shelves.map(({ store }) => {
    const failure = failures.get(store.name);
    return { store: store.name, stored: failure === undefined, code: failure?.code ?? null };
  });
  if (call.values.json) call.terminal.out(json({ id, result, stores }));
  else call.terminal.out(`${id}\n`);
  const [first] = failures.values();
  return first?.exitCode ?? 0;
}

/** Takes it, and tells others how that ended: cron may call this command, and nobody look. */
async function takeTold({ deps, notify }: OpenHouse, call: Call): Promise<BackupReport> {
  const order = { trigger: 'request', slot: null, attempt: 1, skipUnchangedMs: 0 } as const;
  const startedMs = performance.now();
  const tookMs = (): number => Math.round(performance.now() - startedMs);
  const { trigger, slot, attempt } = order;
  notify({ kind: 'run-started', trigger, slot, attempt });
  try {
    await sweepSpool(deps);
    const report = await takeBackup(order, deps, call);
    const { result, id } = report;
    notify({ kind: 'run-finished', result, id, tookMs: tookMs() });
    return report;
  } catch (error) {
    const failure = call.signal.aborted ? new Failure('stopped', 'stopped') : toFailure(error);
    notify({ kind: 'run-failed', failure, tookMs: tookMs() });
    throw error;
  }
}
