import { rankSources } from '../../cluster/choose.ts';
import type { HttpConfig } from '../../config/config.ts';
import { readSecretFile } from '../../config/secret-file.ts';
import { toFailure } from '../../core/errors.ts';
import { isProved, type Manifest } from '../../core/manifest.ts';
import { isDamage, isDamaged, unreadSince } from '../../core/reading.ts';
import { formatBytes } from '../../core/units.ts';
import { trusts } from '../../engine/trust.ts';
import type { StatusReport } from '../../observe/status-report.ts';
import { askDaemon, silenceOf } from '../ask-daemon.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, type OpenHouse, openForCommand } from '../settings.ts';
import { type Holdings, holdings, tellTroubles } from '../shelves.ts';
import { json, table } from '../table.ts';
import { ageOf, proofsOf } from './list.ts';

export const statusCommand: Command = {
  name: 'status',
  summary: 'Show at a glance: the daemon, the newest backup of every store, the members',
  usage: '[options]',
  positionals: { min: 0, max: 0 },
  options: { ...configOptions, ...jsonOption },
  examples: ['etcd-backupd status', 'etcd-backupd status --json'],
  codes: ['cluster-unreachable', 'store-failed'],
  run,
};

/** How long the daemon on this host has to answer: it does so at once or not at all. */
const daemonAnswerMs = 2000;

interface MemberLine {
  readonly id: string;
  readonly name: string;
  readonly eligible: boolean;
  readonly role: string;
  readonly reason: string;
}

/** Works without the daemon and without the cluster: whatever answers is shown. */
async function run(call: Call): Promise<number> {
  await using house = openForCommand(call);
  const [{ report: daemon, silence }, members, found] = await Promise.all([
    hear(house, call),
    askMembers(house, call),
    holdings(call, house.deps),
  ]);
  if (call.values.json)
    call.terminal.out(json({ daemon, ...members, stores: storesOf(found, house) }));
  else {
    call.terminal.out(daemon === null ? `daemon   ${silence}\n\n` : daemonLines(daemon));
    call.terminal.out(storeLines(found, house, daemon));
    call.terminal.out(memberLines(members));
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
): Promise<{ members: MemberLine[]; unreachable: string | null; exitCode: number }> {
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

function daemonLines(daemon: StatusReport): string {
  const { run, nextRun, lastRun, lastScrub, lastFailure } = daemon;
  const rows = [
    ['daemon', `${daemon.state}, version ${daemon.version}, since ${daemon.startedAt}`],
    ['now', run === null ? 'idle' : `${run.step}, ${formatBytes(run.doneBytes)} done`],
    ['last run', lastRun === null ? 'none yet' : `${lastRun.result} at ${lastRun.finishedAt}`],
    ['next run', nextRun === null ? 'not planned' : `${nextRun.at} (${nextRun.reason})`],
  ];
  if (lastScrub) rows.push(['last scrub', `${lastScrub.result} at ${lastScrub.finishedAt}`]);
  const failed = lastFailure && [['last failure', `${lastFailure.at}: ${lastFailure.message}`]];
  return `${table([...rows, ...(failed ?? [])])}\n`;
}

/** Of a store's copies, oldest first: the newest one that counts. */
function newestIn({ deps }: OpenHouse): (own: Holdings['copies']) => Manifest | undefined {
  const isTrusted = trusts(deps.trust);
  return (own) =>
    own.findLast(({ manifest }) => isProved(manifest) && isTrusted(manifest))?.manifest;
}

function storesOf(found: Holdings, house: OpenHouse): unknown[] {
  const newestOf = newestIn(house);
  return house.deps.shelves.map(({ store }) => {
    const own = found.copies.filter(({ shelf }) => shelf.store === store);
    const newest = newestOf(own);
    const dead = found.unreadable.find((one) => one.store === store.name);
    return {
      store: store.name,
      backups: own.length,
      newest: newest?.id ?? null,
      startedAt: newest?.startedAt ?? null,
      damaged: damagedOf(found, store.name),
      oldestRead: oldestReadOf(own) ?? null,
      failure: dead?.failure.message ?? null,
    };
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

const storeHeading = [
  'STORE',
  'BACKUPS',
  'MISSING',
  'DAMAGED',
  'OLDEST READ',
  'NEWEST PROVED',
  'AGE',
  'SIZE',
  'PROOFS',
  'MISSING',
];

function storeLines(found: Holdings, house: OpenHouse, daemon: StatusReport | null): string {
  const now = house.deps.now();
  const newestOf = newestIn(house);
  const rows = house.deps.shelves.map(({ store }) => {
    const known = daemon?.stores.find(({ name }) => name === store.name)?.missing;
    const missing = String(known ?? '');
    if (found.unreadable.some((one) => one.store === store.name)) {
      return [store.name, '?', missing, '?', '', 'cannot be read'];
    }
    const own = found.copies.filter(({ shelf }) => shelf.store === store);
    const newest = newestOf(own);
    const oldestRead = oldestReadOf(own);
    const about = [
      store.name,
      String(own.length),
      missing,
      String(damagedOf(found, store.name)),
      oldestRead === undefined ? '' : ageOf(oldestRead, now),
    ];
    if (newest === undefined) return [...about, 'no proved backup', '', '', '', missing];
    const size = formatBytes(newest.sealed.sizeBytes);
    return [...about, newest.id, ageOf(newest.startedAt, now), size, proofsOf(newest), missing];
  });
  return `${table([storeHeading, ...rows])}\n`;
}

function memberLines(asked: { members: MemberLine[]; unreachable: string | null }): string {
  if (asked.unreachable !== null) return `cluster  ${asked.unreachable}\n`;
  const rows = asked.members.map(({ name, id, role, eligible, reason }) => {
    return [name || id, role, `${eligible ? 'can' : 'can not'} be the source: ${reason}`];
  });
  return table([['MEMBER', 'ROLE', 'SOURCE'], ...rows]);
}
