/** What is told to people and machines elsewhere. */

/** Each is made from events of the program; the text is for the reference of the configuration. */
export const noticeKinds = {
  'backup-succeeded': { level: 'info', about: 'a proved backup is in every store' },
  'backup-unchanged': {
    level: 'info',
    about: 'nothing had changed, so the newest backup is still current',
  },
  'backup-answered': {
    level: 'info',
    about: 'another daemon had taken the backup of the due time already',
  },
  'backup-partial': {
    level: 'warn',
    about: 'at least one store has the backup and at least one has not',
  },
  'backup-retried': { level: 'warn', about: 'a try failed and another one follows' },
  'backup-failed': {
    level: 'error',
    about: 'a run failed and is not tried again before the next one is due',
  },
  'backup-recovered': {
    level: 'info',
    about: 'a run went well after backup-failed or backup-partial',
  },
  'store-failed': {
    level: 'error',
    about: 'a store cannot be read, or did not take a backup; once until it recovers',
  },
  'store-recovered': { level: 'info', about: 'that store works again' },
  'proof-failed': {
    level: 'error',
    about: 'a snapshot did not pass a proof, or members hold different data',
  },
  'backup-damaged': { level: 'error', about: 'a stored copy is not what was written' },
  'scrub-failed': { level: 'error', about: 'a scrub could not do its work' },
  'drill-passed': { level: 'info', about: 'a backup came back in an etcd of its own' },
  'drill-failed': { level: 'error', about: 'a drill failed' },
  'restore-started': { level: 'info', about: 'a restore into a data directory began' },
  'restore-finished': { level: 'info', about: 'that restore ended well' },
  'restore-failed': { level: 'error', about: 'that restore failed' },
  'alarm-raised': { level: 'warn', about: 'etcd has an alarm; once until its alarms change' },
} as const satisfies Record<string, Pick<Notice, 'level'> & { readonly about: string }>;

export type NoticeKind = keyof typeof noticeKinds;

/** What most people want to be woken or calmed by. */
export const usualNotices: readonly NoticeKind[] = [
  'backup-failed',
  'backup-partial',
  'backup-recovered',
  'store-failed',
  'store-recovered',
  'proof-failed',
  'backup-damaged',
  'scrub-failed',
  'drill-failed',
  'restore-failed',
  'alarm-raised',
];

/** One message. No text of it holds a secret. */
export interface Notice {
  /** `test` is what a person asks for, to see whether messages arrive. */
  readonly kind: NoticeKind | 'test';
  readonly level: 'info' | 'warn' | 'error';
  readonly at: Date;
  /** The sentence of the log. */
  readonly text: string;
  readonly store: string | null;
  readonly backup: string | null;
  readonly failure: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
  } | null;
}

/** Who tells it. */
export interface Sender {
  readonly cluster: string;
  readonly host: string;
  readonly version: string;
}
