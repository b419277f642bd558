/**
 * Each event as a sentence for an operator at three in the morning: what, where, and what
 * happens next. The facts travel beside it as fields, so a sentence is never parsed.
 */
import type { Failure } from '../core/errors.ts';
import type { Event, EventKind } from '../core/events.ts';
import { formatBytes, formatDuration } from '../core/units.ts';
import { momentText, timeText } from './moment.ts';
import { scrubText } from './scrub.ts';

type EventOf<K extends EventKind> = Extract<Event, { kind: K }>;
type Say<K extends EventKind> = (event: EventOf<K>, now: Date) => string;

export function sentenceOf(event: Event, now: Date): string {
  const say: (event: never, now: Date) => string = sentences[event.kind];
  // The table pairs each kind with its sentence; TypeScript cannot follow the pair.
  return scrubText(say(event as never, now));
}

const sentences: { readonly [K in EventKind]: Say<K> } = {
  'daemon-started': (e) =>
    `etcd-backupd ${e.version} started on Node ${e.node} for cluster ${e.cluster}, ` +
    `${e.stores.length === 1 ? 'store' : 'stores'} ${e.stores.join(', ')}`,
  'daemon-draining': (e) =>
    `${e.signal} received: the run in progress is finished, no new one begins`,
  'daemon-stopped': (e) => `stopped after ${formatDuration(e.uptimeMs)}`,
  'config-waiting': (e) =>
    `${e.by}: the configuration was read; it holds as soon as what runs now has ended`,
  'config-reloaded': (e) =>
    `${e.by}: configuration reloaded, ` +
    (e.changed.length === 0 ? 'nothing has changed' : `changed: ${listed(e.changed)}`),
  'config-refused': (e) =>
    `${e.by}: THE CONFIGURATION WAS REFUSED, the old one goes on: ${onOneLine(blame(e.failure))}`,
  'reading-gave-way': (e) => `reading of the stores interrupted: ${e.detail}`,
  'next-run-scheduled': (e, now) => `next run at ${momentText(e.at, now)} (${e.reason})`,
  'next-chore-scheduled': (e, now) => `next ${e.chore} at ${momentText(e.at, now)}`,
  'slot-missed': (e) => `the run due at ${timeText(e.slot)} did not happen: ${e.reason}`,
  'turn-drawn': (e) =>
    `number ${e.rank + 1} of ${e.of} for the run due at ${timeText(e.slot)}` +
    `${e.rank === 0 ? '' : `: those before have ${formatDuration(e.waitMs)}`}`,
  'slot-answered': (e) =>
    `store ${e.store} has backup ${e.id} for the run due at ${timeText(e.slot)}, taken on ` +
    `${e.host}: it needs no other`,
  'retry-scheduled': (e, now) =>
    `try ${e.attempt} of ${e.attempts} at ${momentText(e.at, now)}; the last one: ` +
    blame(e.failure),
  'preparation-failed': (e) => `preparation failed: ${blame(e.failure)}`,
  'retries-ended': (e) =>
    `given up after ${count(e.attempts, 'try', 'tries')} (${e.reason}): ${blame(e.failure)}`,
  'run-started': (e) =>
    `run started (${e.trigger}${e.slot === null ? '' : `, due ${timeText(e.slot)}`}` +
    `${e.attempt > 1 ? `, try ${e.attempt}` : ''})`,
  'run-skipped': (e) =>
    `nothing changed since backup ${e.newest} (revision ${e.revision}): it is still current`,
  'run-finished': (e) =>
    `run ended as ${e.result} after ${formatDuration(e.tookMs)}` +
    `${e.id === null ? '' : `, backup ${e.id}`}`,
  'run-failed': (e) => `run failed after ${formatDuration(e.tookMs)}: ${blame(e.failure)}`,
  'step-finished': (e) => `step ${e.step} took ${formatDuration(e.tookMs)}`,
  'step-advanced': (e) => `step ${e.step}: ${progress(e.doneBytes, e.totalBytes)}`,
  'member-chosen': (e) =>
    `snapshot comes from ${nameOf(e)} (${e.role}, ${e.endpoint}): ${e.reason}`,
  'alarms-read': ({ alarms }) =>
    alarms.length === 0
      ? 'etcd has no alarm'
      : `ETCD HAS ${count(alarms.length, 'ALARM')}: ` +
        alarms.map(({ kind, member }) => `${kind} of member ${member}`).join(', '),
  'source-failed': (e) => `${nameOf(e)} gave no usable snapshot: ${blame(e.failure)}`,
  'snapshot-drained': (e) =>
    `${formatBytes(e.sizeBytes)} received from member ${e.member} in ${formatDuration(e.tookMs)}` +
    `${rate(e.sizeBytes, e.tookMs)}`,
  'proof-finished': (e) =>
    `proof ${e.proof}${e.store === null ? '' : ` in store ${e.store}`} ` +
    `${outcomeWord[e.outcome]}${e.outcome === 'passed' ? '' : evidence(e.evidence)}`,
  'hash-mismatched': (e) =>
    `MEMBERS HOLD DIFFERENT DATA at revision ${e.revision} ` +
    `(${e.members.join(', ')}): ${e.evidence}`,
  'backup-committed': (e) =>
    `backup ${e.backup.id} committed to store ${e.store}: ` +
    `${formatBytes(e.backup.sealedBytes)}, ${proved(e)}`,
  'backup-not-stored': (e) => `backup ${e.id} is NOT in store ${e.store}: ${blame(e.failure)}`,
  'catalog-read': (e) =>
    `store ${e.store} holds ${count(e.backups, 'backup')} (${formatBytes(e.storedBytes)}), ` +
    `newest ${e.newest?.id ?? 'none'}${e.faults > 0 ? `, ${e.faults} not readable` : ''}`,
  'catalog-unreadable': (e) => `store ${e.store} cannot be read: ${blame(e.failure)}`,
  'manifest-rejected': (e) => `${e.object} in store ${e.store} is no backup: ${blame(e.failure)}`,
  'backup-pruned': (e) => `backup ${e.id} removed from store ${e.store}: ${e.reason}`,
  'prune-finished': (e) => `store ${e.store}: ${e.kept} kept, ${e.removed} removed by retention`,
  'prune-failed': (e) => `store ${e.store} could not be pruned: ${blame(e.failure)}`,
  'orphans-swept': (e) =>
    `${count(e.objects.length, 'object')} without a manifest removed from store ${e.store}`,
  'spool-swept': (e) => `${count(e.files.length, 'file')} of an earlier run removed from the spool`,
  'backup-verified': (e) =>
    `backup ${e.id} in store ${e.store} read back: ${outcomeWord[e.outcome]}`,
  'backup-misread': (e) =>
    `backup ${e.id} in store ${e.store} came out wrong once and right the next time; look at the ` +
    `memory, the disk and the network between: ${blame(e.failure)}`,
  'backup-removed': (e) => `backup ${e.id} removed from store ${e.store}: it was asked for`,
  'verify-advanced': (e) =>
    `backup ${e.id} of store ${e.store} is read back: ${progress(e.doneBytes, e.totalBytes)}`,
  'verify-gave-way': (e) => `verification interrupted: ${e.detail}`,
  'verify-failed': (e) => `verification FAILED: ${blame(e.failure)}`,
  'scrub-started': (e) =>
    `scrub started: ${count(e.copies, 'copy', 'copies')} (${formatBytes(e.totalBytes)}) to read ` +
    `in ${e.stores.join(', ') || 'no store'}`,
  'scrub-advanced': (e) => `scrub: ${progress(e.doneBytes, e.totalBytes)}`,
  'backup-damaged': (e) => `backup ${e.id} in store ${e.store} is DAMAGED: ${blame(e.failure)}`,
  'backup-unread': (e) =>
    `backup ${e.id} in store ${e.store} could not be read, which says nothing about what is ` +
    `stored: ${blame(e.failure)}`,
  'repair-failed': (e) => blame(e.failure),
  'scrub-finished': (e) =>
    `scrub ended as ${e.result} after ${formatDuration(e.tookMs)}: ` +
    `${count(e.read, 'copy', 'copies')} looked at, ${e.repaired} repaired, ` +
    `${e.damaged} still damaged, ${e.unread} not readable`,
  'scrub-gave-way': (e) => `scrub interrupted: ${e.detail}`,
  'scrub-failed': (e) => `scrub FAILED: ${blame(e.failure)}`,
  'copy-advanced': (e) =>
    `copy of ${e.id} to store ${e.store}: ${progress(e.doneBytes, e.totalBytes)}`,
  'backup-copied': (e) =>
    `backup ${e.id} ${e.result === 'copied' ? 'copied to' : 'repaired in'} store ${e.store} ` +
    `from store ${e.from}: ` +
    `${formatBytes(e.sizeBytes)} in ${formatDuration(e.tookMs)}`,
  'copy-failed': (e) =>
    `backup ${e.id} could not be copied from store ${e.from} to ${e.store}: ${blame(e.failure)}`,
  'heal-started': (e) => `missing backups are copied: ${perStore(e.missing)}`,
  'heal-finished': (e) =>
    `${count(e.copied, 'missing backup')} copied; still missing: ${perStore(e.missing)}`,
  'heal-failed': (e) => `missing backups could not be copied: ${blame(e.failure)}`,
  'heal-skipped': (e) => `missing backups are not copied now: ${e.detail}`,
  'hold-changed': (e) =>
    `backup ${e.id} in store ${e.store} is ${e.held ? 'held' : 'no longer held'}: ${e.reason}`,
  'restore-started': (e) =>
    `restore into ${e.dataDir} started${e.dryRun ? ' (dry run: nothing will be changed)' : ''}`,
  'restore-step-finished': (e) => `restore step ${e.step} took ${formatDuration(e.tookMs)}`,
  'restore-advanced': (e) => `restore: ${progress(e.doneBytes, e.totalBytes)}`,
  'restore-passed-over': (e) =>
    `backup ${e.backup} in store ${e.store} is passed over: ${blame(e.failure)}`,
  'restore-finished': (e) =>
    `backup ${e.backup} ${e.dryRun ? 'could be restored' : 'is restored'} to ${e.dataDir}` +
    `${e.aside === null ? '' : `, the old data is ${e.aside}`}`,
  'restore-failed': (e) => `restore into ${e.dataDir} FAILED: ${blame(e.failure)}`,
  'drill-started': (e) => `drill started with backup ${e.backup} of store ${e.store}`,
  'drill-finished': (e) =>
    `drill passed: backup ${e.backup} of store ${e.store} came back in an etcd of its own, ` +
    `after ${formatDuration(e.tookMs)}`,
  'drill-failed': (e) =>
    `drill FAILED${e.backup === null ? '' : ` with backup ${e.backup}`}: ${blame(e.failure)}`,
  'drill-skipped': (e) => `drill skipped: ${e.detail}`,
  'keys-put-back': (e) =>
    `${e.written} of ${count(e.planned, 'changed key')} below ${e.prefix} put back into cluster ` +
    `${e.cluster} from ${e.backup === null ? 'a file' : `backup ${e.backup}`}` +
    `${e.failed === null ? '' : `, then it FAILED (${e.failed})`}`,
  'member-removed': (e) => `${nameOf(e)} (${e.member}) was removed from cluster ${e.cluster}`,
  'member-added': (e) =>
    `${nameOf(e)} (${e.member}) was added to cluster ${e.cluster} as a ` +
    `${e.learner ? 'learner' : 'voter'} at ${e.peerUrls.join(', ')}; it has not started yet`,
  'notice-delivered': (e) =>
    `${e.notice} told to ${e.target}${e.attempts > 1 ? ` at try ${e.attempts}` : ''}`,
  'notice-failed': (e) =>
    `${e.notice} could not be told to ${e.target} ` +
    `(${count(e.attempts, 'try', 'tries')}): ${blame(e.failure)}`,
  'http-listening': (e) => `admin API listens on ${e.address}`,
  'certificate-read': (e, now) =>
    `${e.of === 'api' ? 'admin API shows' : 'members are shown'} the certificate of ` +
    `${e.subject}, good until ${momentText(e.expiresAt, now)}`,
  'http-certificate-kept': (e) =>
    `files of http.tls cannot be used, those read before stay in use: ${blame(e.failure)}`,
  'call-failed': (e) => `${e.method} ${e.path} ended with a fault: ${blame(e.failure)}`,
  'call-made': (e) =>
    `${e.method} ${e.path}${e.target === undefined ? '' : ` for ${e.target}`} by ${e.who} ` +
    `from ${e.from}: ${e.status}`,
};

const outcomeWord = {
  passed: 'passed',
  failed: 'FAILED',
  inconclusive: 'is inconclusive',
  skipped: 'was skipped',
} as const;

function blame(failure: Failure): string {
  return `${failure.message} (${failure.code})`;
}

function nameOf(member: { readonly member: string; readonly name: string }): string {
  return member.name === '' ? `member ${member.member}` : `member ${member.name}`;
}

function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}

function perStore(missing: Readonly<Record<string, number>>): string {
  const stores = Object.entries(missing).filter(([, backups]) => backups > 0);
  if (stores.length === 0) return 'none';
  return stores.map(([store, backups]) => `${backups} in store ${store}`).join(', ');
}

function progress(doneBytes: number, totalBytes: number): string {
  if (totalBytes <= 0) return formatBytes(doneBytes);
  const percent = Math.min(100, Math.floor((doneBytes / totalBytes) * 100));
  return `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)} (${percent} %)`;
}

function rate(bytes: number, tookMs: number): string {
  return tookMs > 0 ? ` (${formatBytes(Math.round((bytes * 1000) / tookMs))}/s)` : '';
}

function evidence(facts: Readonly<Record<string, string | number | boolean>>): string {
  if (facts['reason'] !== undefined) return `: ${facts['reason']}`;
  const pairs = Object.entries(facts).map(([key, value]) => `${key} ${value}`);
  return pairs.length === 0 ? '' : `: ${pairs.join(', ')}`;
}

function proved(committed: EventOf<'backup-committed'>): string {
  if (!committed.proved) return 'NOT PROVED: it counts for nothing';
  return `proved ${Object.keys(committed.backup.proofs).join(', ')}`;
}

const mostListed = 10;

function listed(names: readonly string[]): string {
  const more = names.length - mostListed;
  return `${names.slice(0, mostListed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Problems of a configuration come as a list of several lines: key and value, then the reason. */
function onOneLine(text: string): string {
  const parts = text.split('\n\n').map((part) => {
    return part.trim().replace(/\n\s*/, ' ').replaceAll(/\n\s*/g, ', ');
  });
  return parts.join('; ');
}
