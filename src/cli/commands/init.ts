import { Failure } from '../../core/errors.ts';
import { reportJson } from '../../core/restore-json.ts';
import { initDataDir } from '../../engine/init.ts';
import { orderOf, planRestore } from '../../engine/plan-restore.ts';
import type { Call, Command } from '../command.ts';
import { askedOf, restoreOptions, wantedOf } from '../restore-options.ts';
import { reportText } from '../restore-report.ts';
import { configOptions, jsonOption, type OpenHouse, openForCommand } from '../settings.ts';
import { json } from '../table.ts';

export const initCommand: Command = {
  name: 'init',
  summary: 'Before each start of etcd: restore into an empty data directory, else leave it alone',
  usage: 'BACKUP|latest --data-dir DIR [options]',
  positionals: { min: 1, max: 1 },
  options: {
    ...configOptions,
    ...restoreOptions,
    'initial-cluster-state': {
      type: 'string',
      value: 'STATE',
      doc: "as etcd's; existing leaves an empty directory to a member that joins (default: new)",
    },
    'allow-none': { type: 'boolean', doc: 'let etcd start empty when there is no backup yet' },
    ...jsonOption,
  },
  examples: [
    'etcd-backupd init latest --data-dir /var/lib/etcd --name m1 --allow-none',
    'etcd-backupd init latest --data-dir /data --name etcd-0 --initial-cluster-token prod-2',
  ],
  codes: [
    'restore-refused',
    'restore-full',
    'restore-failed',
    'backup-missing',
    'backup-locked',
    'backup-untrusted',
    'object-damaged',
  ],
  run,
};

async function run(call: Call): Promise<number> {
  const { dataDir } = askedOf(call);
  const joins = isExisting(call);
  await using house = openForCommand(call);
  const { restored, reason } = await initDataDir(dataDir, () => choose(call, house), house.deps, {
    signal: call.signal,
    joins,
  });
  if (call.values.json) {
    call.terminal.out(json({ restored: restored && reportJson(restored), reason }));
  } else {
    call.terminal.out(restored === null ? `nothing to do: ${reason}\n` : reportText(restored));
  }
  return 0;
}

function isExisting({ values }: Pick<Call, 'values'>): boolean {
  const state = values['initial-cluster-state'] ?? 'new';
  if (state === 'new' || state === 'existing') return state === 'existing';
  throw new Failure('usage', `--initial-cluster-state is new or existing, not ${state}`);
}

async function choose(call: Call, { deps, loaded }: OpenHouse) {
  const wanted = wantedOf(call);
  const asked = askedOf(call);
  try {
    const plan = await planRestore(wanted, asked, deps, call.signal);
    const pinned = orderOf(plan, asked, loaded.config.cluster.localMember);
    return { wanted: { ...wanted, ...pinned.wanted, before: null }, order: pinned.order };
  } catch (error) {
    // Only when every store could be read: `backup-missing` says that, other failures do not.
    const isNone = error instanceof Failure && error.code === 'backup-missing';
    if (isNone && call.values['allow-none'] === true) return null;
    throw error;
  }
}
