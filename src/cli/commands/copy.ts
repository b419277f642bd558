import { Failure, toFailure } from '../../core/errors.ts';
import { isProved } from '../../core/manifest.ts';
import { type CopyEnd, copyBackup } from '../../engine/copy.ts';
import type { Shelf } from '../../engine/deps.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, type OpenHouse, openForCommand } from '../settings.ts';
import {
  type Copy,
  chosenShelves,
  copiesOf,
  holdings,
  shelfOptions,
  tellTroubles,
} from '../shelves.ts';
import { json, table } from '../table.ts';

export const copyCommand: Command = {
  name: 'copy',
  summary: 'Copy backups from one store to another, with their proofs',
  usage: 'BACKUP...|latest|--all --from STORE --to STORE [options]',
  positionals: { min: 0, max: 1000 },
  options: {
    ...configOptions,
    from: { type: 'string', value: 'STORE', doc: 'the store that has them' },
    to: { type: 'string', value: 'STORE', doc: 'the store that gets them' },
    ...(shelfOptions.cluster && { cluster: shelfOptions.cluster }),
    all: { type: 'boolean', doc: 'every proved backup of the store' },
    repair: { type: 'boolean', doc: 'write over what is damaged where they go' },
    ...jsonOption,
  },
  examples: [
    'etcd-backupd copy latest --from local --to offsite',
    'etcd-backupd copy --all --from local --to offsite',
  ],
  codes: ['backup-missing', 'object-damaged', 'store-failed', 'store-full', 'store-denied'],
  run,
};

interface Copied {
  readonly backup: string;
  readonly result: CopyEnd | 'not proved' | Failure;
}

async function run(call: Call): Promise<number> {
  const all = call.values.all === true;
  if (all === call.positionals.length > 0) {
    throw new Failure('usage', 'copy takes backups, or --all');
  }
  await using house = openForCommand(call);
  const from = shelfOf('from', call, house);
  const to = shelfOf('to', call, house);
  if (from === to) throw new Failure('usage', '--from and --to name the same store');
  const values = { ...call.values, store: from.store.name };
  const found = await holdings({ values, signal: call.signal }, house.deps);
  const status = tellTroubles(call, found);
  const copies = all
    ? found.copies
    : call.positionals.flatMap((name) => copiesOf({ positionals: [name] }, found));
  const done: Copied[] = [];
  for (const copy of copies) {
    const isLeft = all && !isProved(copy.manifest);
    const result = isLeft ? 'not proved' : await copyOne(copy, to, call, house);
    done.push({ backup: copy.manifest.id, result });
  }
  const about = { from: from.store.name, to: to.store.name };
  call.terminal.out(
    call.values.json ? json(done.map((one) => asJson(one, about))) : asTable(done, about),
  );
  const failure = done.map(({ result }) => result).find((result) => result instanceof Failure);
  return failure?.exitCode ?? status;
}

function shelfOf(option: 'from' | 'to', call: Call, { deps }: OpenHouse): Shelf {
  const store = call.values[option];
  const names = deps.shelves.map((shelf) => shelf.store.name).join(', ');
  if (typeof store !== 'string') {
    throw new Failure('usage', `copy takes --${option} STORE; there are: ${names}`);
  }
  const [shelf] = chosenShelves({ values: { store } }, deps);
  return shelf as Shelf;
}

/** One backup that fails does not keep the others from being copied. */
async function copyOne(
  { catalog, manifest }: Copy,
  to: Shelf,
  call: Call,
  { deps, progress }: OpenHouse,
): Promise<Copied['result']> {
  const target = deps.openCatalog(to.store, catalog.cluster);
  try {
    return await copyBackup(manifest.id, catalog, target, deps, {
      signal: call.signal,
      replace: call.values.repair === true,
    });
  } catch (thrown) {
    call.signal.throwIfAborted();
    const failure = toFailure(thrown, 'store-failed');
    progress.clear();
    call.terminal.err(`${manifest.id}: ${failure.message}\n  ${failure.hint}\n`);
    return failure;
  }
}

function asTable(done: readonly Copied[], { from, to }: { from: string; to: string }): string {
  const rows = done.map(({ backup, result }) => {
    return [backup, from, to, result instanceof Failure ? `failed: ${result.message}` : result];
  });
  return table([['BACKUP', 'FROM', 'TO', 'RESULT'], ...rows]);
}

function asJson({ backup, result }: Copied, about: { from: string; to: string }): unknown {
  const failure = result instanceof Failure ? { code: result.code, message: result.message } : null;
  return { backup, ...about, result: failure === null ? result : 'failed', failure };
}
