/**
 * Tries every connection that a backup needs, end to end, and writes no backup: the cluster and its
 * rights, the spool and its space, the sealing and its keys, every store with a probe that is
 * written, read and removed.
 */
import { randomBytes } from 'node:crypto';
import { type Judgement, rankSources } from '../cluster/choose.ts';
import type { Member, Survey } from '../cluster/port.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { type ObjectName, objectName } from '../core/names.ts';
import { formatBytes } from '../core/units.ts';
import type { Examined, Store } from '../store/port.ts';
import { changesBytes } from '../stream/seal.ts';
import type { EngineDeps } from './deps.ts';
import { trySeal } from './seal.ts';
import { trySignature } from './trust.ts';

export interface CheckResult {
  /** What was tried: `cluster`, `snapshot rights`, `spool`, `store local`... */
  readonly subject: string;
  /** What was found, for people. */
  readonly detail: string;
  readonly failure: Failure | undefined;
}

export interface CheckReport {
  readonly results: readonly CheckResult[];
  readonly judgements: readonly Judgement[];
}

/** No name of the catalog begins like this, so a probe is never taken for a backup. */
const probePrefix = 'probe-';
const probePattern = /^probe-[0-9a-f]{8}$/;
// No check takes this long.
const probeGraceMs = 60 * 60_000;
const removeLimitMs = 30_000;

export async function checkEverything(
  deps: EngineDeps,
  options: { readonly signal: AbortSignal },
): Promise<CheckReport> {
  const { signal } = options;
  const results: CheckResult[] = [];
  const attempt = async (
    subject: string,
    work: () => Promise<string | undefined>,
  ): Promise<void> => {
    try {
      const detail = await work();
      // Undefined: it is not used here.
      if (detail !== undefined) results.push({ subject, detail, failure: undefined });
    } catch (error) {
      signal.throwIfAborted();
      const failure = toFailure(error);
      results.push({ subject, detail: failure.message, failure });
    }
  };

  let survey: Survey | undefined;
  await attempt('cluster', async () => {
    survey = await deps.cluster.survey({ signal });
    return describeSurvey(survey);
  });
  const judgements =
    survey === undefined ? [] : rankSources(survey, deps.source.choose, deps.now());
  const source = judgements.find((judgement) => judgement.eligible)?.member;
  if (survey !== undefined) {
    await attempt('source', async () => describeSource(judgements));
  }
  if (source !== undefined) {
    await attempt('snapshot rights', () => tryStream(source, deps, signal));
    await attempt('content hash', () => tryHash(source, deps, signal));
    await attempt('spool', () => trySpool(source, deps));
  }
  if (changesBytes(deps.seal)) await attempt('seal', () => trySeal(deps));
  await attempt('signature', async () => trySignature(deps.trust));
  for (const { store } of deps.shelves) {
    await attempt(`store ${store.name}`, () => tryStore(store, source, deps, signal));
  }
  return { results, judgements };
}

function describeSurvey(survey: Survey): string {
  if (survey.alarms instanceof Failure) throw survey.alarms;
  const silent = survey.members.filter(({ status }) => status instanceof Failure);
  const alarms = survey.alarms.map(({ kind, member }) => `alarm ${kind} of ${member}`);
  const notes = [`${survey.members.length} members, ${silent.length} without an answer`, ...alarms];
  return `${survey.clusterId}: ${notes.join(', ')}`;
}

function describeSource(judgements: readonly Judgement[]): string {
  const chosen = judgements.find((judgement) => judgement.eligible);
  if (chosen === undefined) {
    const reasons = judgements.map(({ member, reason }) => `${member.name || member.id} ${reason}`);
    throw new Failure('no-source', `no member can be the source: ${reasons.join('; ')}`);
  }
  return `${chosen.member.name}: ${chosen.reason}`;
}

/** Opens the stream and leaves it at the first message: the right to it is all that is asked. */
async function tryStream(source: Member, deps: EngineDeps, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(deps.source.stallTimeoutMs)]);
  for await (const message of deps.cluster.snapshot(source, { signal: limit })) {
    const total = message.remainingBytes + message.blobBytes;
    return `${source.name} streams its database of ${formatBytes(total)}`;
  }
  throw new Failure('stream-broken', `${source.name} sent an empty snapshot`);
}

async function tryHash(source: Member, deps: EngineDeps, signal: AbortSignal): Promise<string> {
  const at = await deps.cluster.confirmedRevision(source, { signal });
  const { hash } = await deps.cluster.hashKv(source, at, { signal });
  return `HashKV ${hash} at revision ${at}`;
}

async function trySpool(source: Member, deps: EngineDeps): Promise<string> {
  const bytes = source.status instanceof Failure ? 0 : source.status.databaseBytes;
  await using file = await deps.spool.create(bytes);
  await file.append([new Uint8Array(1)]);
  await file.flush();
  await file.sync();
  return `room for ${formatBytes(bytes)} and writable`;
}

async function tryStore(
  store: Store,
  source: Member | undefined,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<string> {
  const name = objectName(`${probePrefix}${randomBytes(4).toString('hex')}`);
  const content = randomBytes(1024);
  const body = {
    open: async function* () {
      yield content;
    },
    sizeBytes: content.byteLength,
  };
  let examined: Examined | undefined;
  try {
    await store.put(name, body, { signal });
    const read: Uint8Array[] = [];
    for await (const chunk of store.get(name, { signal })) read.push(Uint8Array.from(chunk));
    if (!Buffer.concat(read).equals(content)) {
      throw new Failure('object-damaged', `${store.describe()} gave other bytes than it was given`);
    }
    examined = await store.examine?.(name, { signal });
  } catch (error) {
    // What went wrong first is what has to be told.
    await removeProbe(name, store).catch(() => undefined);
    throw error;
  }
  await removeProbe(name, store);
  await sweepProbes(store, deps, signal);
  const { lines = [], freeBytes = null } = examined ?? {};
  if (freeBytes !== null) demandRoom(store, freeBytes, deps, source);
  const found = lines.map((line) => `; ${line}`).join('');
  return `${store.describe()}: written, read and removed a probe${found}`;
}

/** Throws `store-full` where the next backup would not fit. */
function demandRoom(store: Store, freeBytes: number, deps: EngineDeps, source?: Member): void {
  const status = source?.status;
  const bytes = status === undefined || status instanceof Failure ? 0 : status.databaseBytes;
  // What is packed may be a fraction of it; nobody can tell before.
  if (deps.seal.codec !== 'none' || freeBytes >= bytes) return;
  const room = `${formatBytes(freeBytes)} free, and the database has ${formatBytes(bytes)}`;
  throw new Failure('store-full', `${store.describe()}: ${room}`);
}

/** With a limit of its own: a check that is stopped removes its probe all the same. */
async function removeProbe(name: ObjectName, store: Store): Promise<void> {
  await store.remove(name, { signal: AbortSignal.timeout(removeLimitMs) });
}

/** Removes what killed checks left, and no probe that another check may be using now. */
async function sweepProbes(store: Store, deps: EngineDeps, signal: AbortSignal): Promise<void> {
  const olderThan = new Date(deps.now().getTime() - probeGraceMs);
  const old: ObjectName[] = [];
  for await (const { name, modifiedAt } of store.list(probePrefix, { signal })) {
    if (modifiedAt < olderThan && probePattern.test(name)) old.push(name);
  }
  for (const name of old) await store.remove(name, { signal });
}
