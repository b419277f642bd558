import { rankSources } from '../../cluster/choose.ts';
import type { HttpConfig } from '../../config/config.ts';
import { readSecretFile } from '../../config/secret-file.ts';
import { toFailure } from '../../core/errors.ts';
import type { Manifest } from '../../core/manifest.ts';
import { isDamage, isDamaged, unreadSince } from '../../core/reading.ts';
import { DueTimes } from '../../daemon/due-times.ts';
import { parseSchedule } from '../../daemon/schedule.ts';
import { counts } from '../../engine/trust.ts';
import type { StatusReport } from '../../observe/status-report.ts';
import { askDaemon, silenceOf } from '../ask-daemon.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, type OpenHouse, openForCommand } from '../settings.ts';
import { type Holdings, holdings, tellTroubles } from '../shelves.ts';
import { type AskedMembers, type StoreState, statusText } from '../status-text.ts';
import { json } from '../table.ts';
import { judgeSafety, type Seen, type Verdict } from '../verdict.ts';

export const statusCommand: Command = {
  name: 'status',
  summary: 'Show at a glance: safe or not and why, the stores, the daemon, the members',
  usage: '[options]',
  positionals: { min: 0, max: 0 },
  options: { ...configOptions, ...jsonOption },
  examples: ['etcd-backupd status', 'etcd-backupd status --json'],
  codes: ['cluster-unreachable', 'store-failed'],
  run,
};

/** How long the daemon on this host has to answer: it does so at once or not at all. */
const daemonAnswerMs = 2000;

/** Works without the daemon and without the cluster: whatever answers is shown. */
async function run(call: Call): Promise<number> {
  await using house = openForCommand(call);
  const [{ report: daemon, silence }, members, found] = await Promise.all([
    hear(house, call),
    askMembers(house, call),
    holdings(call, house.deps),
  ]);
  const stores = storesOf(found, house, daemon);
  const verdict = judge({ stores, daemon, silence, unreachable: members.unreachable }, house);
  if (call.values.json) {
    const plain = stores.map(({ newest, ...facts }) => {
      return { ...facts, newest: newest?.id ?? null, startedAt: newest?.startedAt ?? null };
    });
    call.terminal.out(json({ verdict, daemon, ...members, stores: plain }));
  } else {
    const shown = { verdict, daemon, stores, asked: members, now: house.deps.now() };
    call.terminal.out(statusText(shown));
  }
  return tellTroubles(call, found) || members.exitCode;
}

interface Heard {
  readonly report: StatusReport | null;
  /** Why there is no report. */
  readonly silence: string;
}

async function hear(house: OpenHouse, call: Call): Promise<Heard> {
  const { http } = house.loaded.config;
  const silent = (silence: string): Heard => ({ report: null, silence });
  if (!http.enabled) return silent('does not answer on this host: http.enabled is false');
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(daemonAnswerMs)]);
  try {
    const token = tokenOf(http.tokens);
    const { status, body } = await askDaemon(http, { path: '/v1/status', token, signal });
    if (status === 200) return { report: body as StatusReport, silence: '' };
    return silent(`tells its state only to those who may read (${status}), see http.tokens`);
  } catch (error) {
    call.signal.throwIfAborted();
    // No daemon on this host is an answer too, and the line says so.
    return silent(`does not answer on this host: ${silenceOf(error)}`);
  }
}

/** Any token lets read. The one that allows the least is tried first. */
function tokenOf({ read, operate, restore }: HttpConfig['tokens']): string | undefined {
  const path = read ?? operate ?? restore;
  return path === null ? undefined : readSecretFile(path).reveal();
}

async function askMembers(
  house: OpenHouse,
  call: Call,
): Promise<AskedMembers & { readonly exitCode: number }> {
  const { cluster, source, now } = house.deps;
  try {
    const survey = await cluster.survey(call);
    const members = rankSources(survey, source.choose, now()).map((judgement) => {
      const { id, name } = judgement.member;
      const { eligible, role, reason } = judgement;
      return { id, name, eligible, role, reason };
    });
    return { members, unreachable: null, exitCode: 0 };
  } catch (error) {
    call.signal.throwIfAborted();
    const failure = toFailure(error);
    return { members: [], unreachable: failure.message, exitCode: failure.exitCode };
  }
}

/** Of a store's copies, oldest first: the newest one that counts. */
function newestIn({ deps }: OpenHouse): (own: Holdings['copies']) => Manifest | undefined {
  const isGood = counts(deps.trust, deps.now());
  return (own) => own.findLast(({ manifest }) => isGood(manifest))?.manifest;
}

function storesOf(
  found: Holdings,
  house: OpenHouse,
  daemon: StatusReport | null,
): readonly StoreState[] {
  const newestOf = newestIn(house);
  return house.deps.shelves.map(({ store: { name } }) => {
    const own = found.copies.filter(({ shelf }) => shelf.store.name === name);
    const dead = found.unreadable.find((one) => one.store === name);
    return {
      store: name,
      backups: own.length,
      newest: newestOf(own),
      damaged: damagedOf(found, name),
      missing: daemon?.stores.find((one) => one.name === name)?.missing ?? null,
      oldestRead: oldestReadOf(own) ?? null,
      failure: dead?.failure.message ?? null,
    };
  });
}

function judge(
  {
    stores,
    daemon,
    silence,
    unreachable,
  }: Pick<Seen, 'silence' | 'unreachable'> & {
    readonly stores: readonly StoreState[];
    readonly daemon: StatusReport | null;
  },
  { loaded: { config }, deps }: OpenHouse,
): Verdict {
  const { cron, timezone, jitterMs } = config.schedule;
  const now = deps.now();
  const dueTimes = new DueTimes(parseSchedule({ cron, timezone }), jitterMs, now);
  const unchangedAt = daemon?.lastUnchangedAt ?? null;
  const asked = daemon && {
    unchangedAt: unchangedAt === null ? null : new Date(unchangedAt),
    failedRuns: daemon.consecutiveFailures,
    lastFailure: daemon.lastFailure?.message ?? null,
  };
  return judgeSafety({
    now,
    expectedSince: dueTimes.expectedSince(now),
    stores: stores.map(({ store, newest, damaged, missing, failure }) => {
      return { name: store, newestAt: newest?.startedAt, damaged, missing: missing ?? 0, failure };
    }),
    daemon: config.http.enabled ? asked : undefined,
    silence,
    unreachable,
  });
}

function damagedOf({ copies, faults }: Holdings, store: string): number {
  const judged = copies.filter(({ shelf, manifest }) => {
    return shelf.store.name === store && isDamaged(manifest);
  });
  const listed = faults.filter((one) => one.store === store && isDamage(one.fault.failure));
  return judged.length + listed.length;
}

function oldestReadOf(own: Holdings['copies']): Date | undefined {
  const times = own.map(({ manifest }) => unreadSince(manifest).getTime());
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}
