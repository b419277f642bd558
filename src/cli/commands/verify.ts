import { Failure, toFailure } from '../../core/errors.ts';
import { parseObjectName } from '../../core/names.ts';
import { isDamage } from '../../core/reading.ts';
import { verifyBackup } from '../../engine/verify.ts';
import type { Call, Command } from '../command.ts';
import {
  configOptions,
  identityOption,
  jsonOption,
  type OpenHouse,
  openForCommand,
} from '../settings.ts';
import {
  type Copy,
  copiesOf,
  type Holdings,
  holdings,
  shelfOptions,
  tellTroubles,
} from '../shelves.ts';
import { json, table } from '../table.ts';

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'Read stored backups back and compare every byte with what was proved',
  usage: 'BACKUP|latest|--all [options]',
  positionals: { min: 0, max: 1 },
  options: {
    ...configOptions,
    ...shelfOptions,
    ...identityOption,
    all: { type: 'boolean', doc: 'every backup of every store' },
    deep: { type: 'boolean', doc: 'walk the database again, page by page, as after a drain' },
    ...jsonOption,
  },
  examples: ['etcd-backupd verify latest', 'etcd-backupd verify --all --deep'],
  codes: ['backup-locked', 'object-damaged', 'object-missing', 'backup-missing', 'store-failed'],
  run,
};

interface Verdict {
  readonly backup: string;
  readonly store: string;
  readonly outcome: 'passed' | 'failed' | 'unread';
  readonly failure: Failure | undefined;
}

async function run(call: Call): Promise<number> {
  const all = call.values.all === true;
  if (all === call.positionals.length > 0) {
    throw new Failure('usage', 'verify takes a backup, or --all');
  }
  await using house = openForCommand(call);
  const found = await holdings(call, house.deps);
  const status = tellTroubles(call, found);
  const [named] = call.positionals;
  const wrong = found.faults.map(listedWrong);
  const isNamedWrong = wrong.some(({ backup }) => backup === named);
  const copies = all || isNamedWrong ? found.copies.filter(isAsked) : copiesOf(call, found);
  const id = named === 'latest' ? copies[0]?.manifest.id : named;
  const verdicts = wrong.filter(({ backup }) => all || backup === id);
  for (const copy of copies) verdicts.push(await verify(copy, call, house));
  call.terminal.out(call.values.json ? json(verdicts.map(asJson)) : asTable(verdicts));
  const bad = verdicts.find(({ failure }) => failure !== undefined)?.failure;
  return bad?.exitCode ?? found.faults[0]?.fault.failure.exitCode ?? status;

  function isAsked({ manifest }: Copy): boolean {
    return all || manifest.id === named;
  }
}

/** What is wrong without being read: data that is gone or cut, a manifest that is none. */
function listedWrong({ store, fault }: Holdings['faults'][number]): Verdict {
  const { name, failure } = fault;
  const backup = parseObjectName(name)?.id ?? name;
  return { backup, store, outcome: isDamage(failure) ? 'failed' : 'unread', failure };
}

async function verify(copy: Copy, call: Call, house: OpenHouse): Promise<Verdict> {
  const { catalog, manifest } = copy;
  const about = { backup: manifest.id, store: catalog.store.name };
  try {
    const deep = call.values.deep === true;
    const show = house.progress.show;
    const onProgress = (done: number, total: number) => show(manifest.id, done, total);
    const options = { deep, signal: call.signal, onProgress };
    return { ...about, ...(await verifyBackup(catalog, manifest.id, house.deps, options)) };
  } catch (error) {
    call.signal.throwIfAborted();
    return { ...about, outcome: 'unread', failure: toFailure(error, 'store-failed') };
  }
}

function asJson({ backup, store, outcome, failure }: Verdict): unknown {
  const fault = failure && { code: failure.code, message: failure.message };
  return { backup, store, outcome, failure: fault ?? null };
}

function asTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ backup, store, outcome, failure }) => {
    return [backup, store, outcome, failure?.message ?? 'every byte as it was proved'];
  });
  return table([['BACKUP', 'STORE', 'VERDICT', 'DETAIL'], ...rows]);
}
