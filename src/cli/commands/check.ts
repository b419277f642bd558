import { checkEverything } from '../../engine/check.ts';
import { checkNotify } from '../check-notify.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, openForCommand } from '../settings.ts';
import { json, table } from '../table.ts';

export const checkCommand: Command = {
  name: 'check',
  summary: 'Try the configuration and every connection, end to end, without taking a backup',
  usage: '[options]',
  positionals: { min: 0, max: 0 },
  options: {
    ...configOptions,
    notify: { type: 'boolean', doc: 'send a test message to each webhook; a ping is never sent' },
    ...jsonOption,
  },
  examples: ['etcd-backupd check', 'etcd-backupd check --config ./config.yaml --json'],
  codes: ['cluster-unreachable', 'cluster-auth', 'cluster-tls', 'no-source', 'store-denied'],
  run,
};

/** The exit status is that of the first thing that failed. */
async function run(call: Call): Promise<number> {
  await using house = openForCommand(call);
  const { results: connections, judgements } = await checkEverything(house.deps, call);
  const results = [...connections, ...(await checkNotify(house.loaded.config, call))];
  if (call.values.json) {
    const shown = results.map(({ subject, detail, failure }) => {
      return { subject, ok: failure === undefined, detail, code: failure?.code ?? null };
    });
    const members = judgements.map(({ member, eligible, role, reason }) => {
      return { id: member.id, name: member.name, eligible, role, reason };
    });
    call.terminal.out(json({ results: shown, members }));
  } else {
    call.terminal.out(
      table(results.map((r) => [r.failure ? 'FAILED' : 'ok', r.subject, r.detail])),
    );
    const members = judgements.map(({ member, eligible, reason }) => {
      return [
        '',
        member.name || member.id,
        `${eligible ? 'can' : 'can not'} be the source: ${reason}`,
      ];
    });
    call.terminal.out(table(members));
  }
  const failed = results.find(({ failure }) => failure !== undefined)?.failure;
  if (failed !== undefined) call.terminal.err(`${failed.hint}\n`);
  return failed?.exitCode ?? 0;
}
