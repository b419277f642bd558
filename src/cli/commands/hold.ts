import { Failure } from '../../core/errors.ts';
import { holdBackup } from '../../engine/hold.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, openForCommand } from '../settings.ts';
import { copiesOf, holdings, shelfOptions, tellTroubles } from '../shelves.ts';

export const holdCommand: Command = {
  name: 'hold',
  summary: 'Mark a backup so that no policy removes it, or release it',
  usage: 'BACKUP|latest --reason TEXT | --release [options]',
  positionals: { min: 1, max: 1 },
  options: {
    ...configOptions,
    ...shelfOptions,
    reason: { type: 'string', value: 'TEXT', doc: 'why it is held; shown by list and prune' },
    release: { type: 'boolean', doc: 'take the hold away' },
  },
  examples: [
    'etcd-backupd hold latest --reason "before the upgrade"',
    'etcd-backupd hold latest --release',
  ],
  codes: ['backup-missing', 'store-failed', 'store-denied'],
  run,
};

async function run(call: Call): Promise<number> {
  const reason = call.values.reason;
  const release = call.values.release === true;
  if (release === (typeof reason === 'string' && reason.trim() !== '')) {
    throw new Failure('usage', 'hold takes --reason TEXT, or --release');
  }
  await using house = openForCommand(call);
  const found = await holdings(call, house.deps);
  const status = tellTroubles(call, found);
  for (const { catalog, manifest } of copiesOf(call, found)) {
    const text = release ? null : String(reason).trim();
    await holdBackup(catalog, manifest.id, text, house.deps, call);
    call.terminal.out(`${manifest.id} ${catalog.store.name} ${release ? 'released' : 'held'}\n`);
  }
  return status;
}
