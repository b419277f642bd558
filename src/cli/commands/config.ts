import { configEffective } from '../../config/effective.ts';
import { configExample } from '../../config/example.ts';
import { configReference } from '../../config/reference.ts';
import { Failure } from '../../core/errors.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, loadSettings } from '../settings.ts';
import { json } from '../table.ts';

export const configCommand: Command = {
  name: 'config',
  summary: 'Print the reference, an example, or the values in force; check them as at the start',
  usage: 'reference|example|effective|check [options]',
  positionals: { min: 1, max: 1 },
  options: { ...configOptions, ...jsonOption },
  examples: [
    'etcd-backupd config example > config.yaml',
    'etcd-backupd config effective',
    'etcd-backupd config check --config /etc/etcd-backupd/config.yaml',
  ],
  codes: [],
  run,
};

async function run(call: Call): Promise<number> {
  const { out, err } = call.terminal;
  switch (call.positionals[0]) {
    case 'reference':
      out(configReference());
      return 0;
    case 'example':
      out(configExample());
      return 0;
    case 'effective': {
      const loaded = loadSettings(call, { checkFiles: false });
      for (const warning of loaded.warnings) err(`warning: ${warning}\n`);
      out(call.values.json ? json(loaded.settings) : configEffective(loaded));
      return 0;
    }
    case 'check': {
      const loaded = loadSettings(call, { checkFiles: true });
      for (const warning of loaded.warnings) err(`warning: ${warning}\n`);
      return 0;
    }
    default:
      throw new Failure('usage', `config prints reference, example or effective, or does check`);
  }
}
