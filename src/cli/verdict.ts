/** Whether a cluster that is lost now can be had back, and what stands against it. */
import { formatDuration } from '../core/units.ts';

export interface Seen {
  readonly now: Date;
  /** The last due time but one. */
  readonly expectedSince: Date | null;
  readonly stores: readonly StoreSeen[];
  /** Null: it does not answer. Undefined: there is nothing of it to ask. */
  readonly daemon: DaemonSeen | null | undefined;
  /** Why the daemon told nothing, as what it does: `does not answer on this host`. */
  readonly silence: string;
  /** Why the cluster could not be asked. */
  readonly unreachable: string | null;
}

export interface StoreSeen {
  readonly name: string;
  /** When its newest backup that counts was begun: proved, trusted, and not from the future. */
  readonly newestAt: Date | undefined;
  readonly damaged: number;
  readonly missing: number;
  /** Why it cannot be read. */
  readonly failure: string | null;
}

export interface DaemonSeen {
  readonly unchangedAt: Date | null;
  readonly failedRuns: number;
  readonly lastFailure: string | null;
}

export interface Verdict {
  readonly safe: boolean;
  readonly reason: string;
  /** What wants to be looked at, safe or not. */
  readonly concerns: readonly string[];
}

export function judgeSafety(seen: Seen): Verdict {
  const concerns = [...seen.stores.flatMap((store) => storeConcerns(store, seen)), ...around(seen)];
  const danger = dangerOf(seen);
  if (danger !== undefined) return { safe: false, reason: danger, concerns };
  const holding = seen.stores.filter((store) => isFresh(store, seen)).length;
  const reason = `${newestText(seen)}, in ${holding} of ${count(seen.stores.length, 'store')}`;
  return { safe: true, reason, concerns };
}

function dangerOf(seen: Seen): string | undefined {
  const { stores } = seen;
  if (stores.every(({ failure }) => failure !== null)) return 'no store can be read';
  if (newestOf(stores) === undefined) return 'no store that can be read holds a proved backup';
  if (stores.some((store) => isFresh(store, seen))) return undefined;
  return `${newestText(seen)}; two due times have passed since`;
}

/** What cannot be read now cannot be restored now. */
function isFresh(store: StoreSeen, { expectedSince, daemon }: Seen): boolean {
  const newestAt = newestOf([store]);
  if (newestAt === undefined) return false;
  const goodAt = Math.max(newestAt.getTime(), daemon?.unchangedAt?.getTime() ?? 0);
  return expectedSince === null || goodAt >= expectedSince.getTime();
}

function newestText({ stores, now, daemon }: Seen): string {
  const newest = newestOf(stores);
  if (newest === undefined) return 'there is no proved backup';
  const checked = daemon?.unchangedAt;
  const same =
    checked instanceof Date && checked > newest
      ? `, and nothing had changed ${ago(checked, now)} ago`
      : '';
  return `the newest proved backup is ${ago(newest, now)} old${same}`;
}

function newestOf(stores: readonly StoreSeen[]): Date | undefined {
  const readable = stores.filter(({ failure }) => failure === null);
  const times = readable.flatMap(({ newestAt }) => newestAt ?? []);
  return times.toSorted((one, other) => other.getTime() - one.getTime())[0];
}

function storeConcerns(store: StoreSeen, seen: Seen): readonly string[] {
  const { name, newestAt, damaged, missing, failure } = store;
  if (failure !== null) return [`store ${name} cannot be read: ${failure}`];
  const age =
    newestAt === undefined
      ? [`store ${name} holds no proved backup`]
      : isFresh(store, seen)
        ? []
        : [`store ${name} is behind: its newest proved backup is ${ago(newestAt, seen.now)} old`];
  return [
    ...age,
    ...(damaged > 0 ? [`store ${name} holds ${count(damaged, 'damaged backup')}`] : []),
    ...(missing > 0 ? [`store ${name} lacks ${count(missing, 'backup')} that others have`] : []),
  ];
}

function around({ daemon, silence, unreachable }: Seen): readonly string[] {
  const silent = daemon === null ? [`the daemon ${silence}`] : [];
  const { failedRuns = 0, lastFailure = null } = daemon ?? {};
  const failed =
    failedRuns > 0 ? [`${count(failedRuns, 'run')} failed in a row: ${lastFailure ?? '?'}`] : [];
  const dark = unreachable === null ? [] : [`the cluster cannot be asked: ${unreachable}`];
  return [...silent, ...failed, ...dark];
}

function ago(at: Date, now: Date): string {
  return formatDuration(Math.max(0, now.getTime() - at.getTime()));
}

function count(amount: number, one: string): string {
  return `${amount} ${one}${amount === 1 ? '' : 's'}`;
}
