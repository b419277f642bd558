/** How loud each event is: the one place that says so. */
import type { Event, EventKind } from '../core/events.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

type EventOf<K extends EventKind> = Extract<Event, { kind: K }>;
type Rule<K extends EventKind> = LogLevel | ((event: EventOf<K>) => LogLevel);

/**
 * `error`: a backup is missing or wrong, somebody should look. `warn`: it went well in the end, or
 * will be tried again. `info`: for a person who reads once a day. `debug`: for a person who hunts.
 */
const levels = {
  'daemon-started': 'info',
  'daemon-draining': 'info',
  'daemon-stopped': 'info',
  'config-waiting': 'info',
  'config-reloaded': 'info',
  // Backups go on, but by settings that nobody wants any more.
  'config-refused': 'error',
  'reading-gave-way': 'debug',
  'next-run-scheduled': 'info',
  'next-chore-scheduled': 'info',
  'slot-missed': 'warn',
  'turn-drawn': ({ rank }) => (rank > 0 ? 'info' : 'debug'),
  'slot-answered': 'info',
  'retry-scheduled': 'warn',
  'preparation-failed': 'error',
  'retries-ended': 'error',
  'run-started': 'info',
  'run-skipped': 'info',
  'run-finished': ({ result }) => {
    if (result === 'failure') return 'error';
    return result === 'partial' || result === 'stopped' ? 'warn' : 'info';
  },
  'run-failed': ({ failure }) => (failure.code === 'stopped' ? 'warn' : 'error'),
  'step-finished': 'debug',
  'step-advanced': 'trace',
  'member-chosen': 'info',
  // Without an alarm there is nothing to tell.
  'alarms-read': ({ alarms }) => (alarms.length > 0 ? 'warn' : 'debug'),
  'source-failed': 'warn',
  'snapshot-drained': 'debug',
  'proof-finished': ({ outcome }) => {
    if (outcome === 'failed') return 'error';
    // A cluster of one member has nobody to agree with: worth a line a day, not a warning.
    return outcome === 'inconclusive' ? 'info' : 'debug';
  },
  'hash-mismatched': 'error',
  // Kept as evidence only: the run has gained nothing.
  'backup-committed': ({ proved }) => (proved ? 'info' : 'error'),
  'backup-not-stored': 'error',
  'catalog-read': ({ faults }) => (faults > 0 ? 'warn' : 'debug'),
  'catalog-unreadable': 'error',
  'manifest-rejected': 'warn',
  // A removal cannot be undone, and this line is all that is left of the backup.
  'backup-pruned': 'info',
  'prune-finished': ({ removed }) => (removed > 0 ? 'info' : 'debug'),
  'prune-failed': 'error',
  'orphans-swept': ({ objects }) => (objects.length > 0 ? 'info' : 'debug'),
  'spool-swept': ({ files }) => (files.length > 0 ? 'info' : 'debug'),
  'backup-verified': ({ outcome }) => {
    if (outcome === 'failed') return 'error';
    return outcome === 'passed' ? 'info' : 'warn';
  },
  'backup-misread': 'warn',
  // As with a pruned one.
  'backup-removed': 'info',
  'verify-advanced': 'trace',
  'verify-gave-way': 'info',
  'verify-failed': 'error',
  'scrub-started': 'debug',
  'scrub-advanced': 'trace',
  'backup-damaged': 'error',
  'backup-unread': 'warn',
  'repair-failed': 'error',
  'scrub-finished': ({ result }) => {
    if (result === 'damaged') return 'error';
    return result === 'clean' ? 'info' : 'warn';
  },
  // With a backup each hour it does so night by night, and loses nothing.
  'scrub-gave-way': 'debug',
  'scrub-failed': 'error',
  'copy-advanced': 'trace',
  'backup-copied': 'info',
  'copy-failed': 'error',
  'heal-started': ({ missing }) => (sum(missing) > 0 ? 'info' : 'debug'),
  'heal-finished': ({ copied, missing }) => {
    if (sum(missing) > 0) return 'warn';
    return copied > 0 ? 'info' : 'debug';
  },
  'heal-failed': 'error',
  'heal-skipped': 'info',
  'hold-changed': 'info',
  'restore-started': 'info',
  'restore-step-finished': 'debug',
  'restore-advanced': 'trace',
  'restore-passed-over': 'warn',
  'restore-finished': 'info',
  'restore-failed': 'error',
  'drill-started': 'debug',
  'drill-finished': 'info',
  'drill-failed': 'error',
  'drill-skipped': 'warn',
  // Whoever looks for what changed these keys finds it here.
  'keys-put-back': ({ failed }) => (failed === null ? 'info' : 'error'),
  'member-removed': 'info',
  'member-added': 'info',
  'notice-delivered': 'debug',
  // Backups go on as they do; who waits for the message does not know.
  'notice-failed': 'warn',
  'http-listening': 'info',
  'certificate-read': ({ of }) => (of === 'api' ? 'info' : 'debug'),
  'http-certificate-kept': 'warn',
  // A store that does not answer is not ours to mend; a fault of our own is.
  'call-failed': ({ failure }) => (failure.code === 'internal' ? 'error' : 'warn'),
  'call-made': 'info',
} satisfies { readonly [K in EventKind]: Rule<K> };

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, each) => total + each, 0);
}

export function levelOf(event: Event): LogLevel {
  const rule: LogLevel | ((event: never) => LogLevel) = levels[event.kind];
  // The table pairs each kind with a rule for exactly that kind; TypeScript cannot follow the pair.
  return typeof rule === 'function' ? rule(event as never) : rule;
}
