/** The options of restores, in etcd's own words where etcd has them, and what they ask for. */
import { resolve } from 'node:path';
import { Failure } from '../core/errors.ts';
import { parseInitialCluster } from '../core/initial-cluster.ts';
import { parseBackupId } from '../core/names.ts';
import { parseBump, parseEtcdVersion, parseTime } from '../core/restore-words.ts';
import type { Wanted } from '../engine/candidates.ts';
import type { RestoreAsked } from '../engine/plan-restore.ts';
import type { Call, Option } from './command.ts';
import { openingOptions } from './settings.ts';
import { readClusterId, shelfOptions } from './shelves.ts';

export const restoreOptions: Readonly<Record<string, Option>> = {
  'data-dir': { type: 'string', value: 'DIR', doc: "where etcd's --data-dir is (needed)" },
  name: {
    type: 'string',
    value: 'NAME',
    doc: 'member name (default: the only member, else cluster.localMember)',
  },
  'initial-cluster': {
    type: 'string',
    value: 'LIST',
    doc: 'NAME=PEERURL,... of all members (default: those that the backup was taken from)',
  },
  'initial-cluster-token': {
    type: 'string',
    value: 'TOKEN',
    doc: 'the same on every host, never one of an earlier cluster (default: a fresh one)',
  },
  'initial-advertise-peer-urls': {
    type: 'string',
    value: 'URLS',
    doc: "this member's peer URLs; they have to be those of the initial cluster",
  },
  'bump-revision': {
    type: 'string',
    value: 'N',
    doc: 'let the revision jump by N; for Kubernetes 1000000000 (needs --mark-compacted)',
  },
  'mark-compacted': { type: 'boolean', doc: 'mark all before the jump compacted: watchers notice' },
  'clear-alarms': { type: 'boolean', doc: 'leave out alarms that the backup holds' },
  owner: {
    type: 'string',
    value: 'UID:GID',
    doc: 'owner of the new files (default: that of the old directory)',
  },
  'etcd-version': { type: 'string', value: 'V', doc: 'etcd that will run on it, such as 3.5.30' },
  before: { type: 'string', value: 'TIME', doc: 'only backups taken before, 2026-11-20T15:00:00Z' },
  fallback: { type: 'boolean', doc: 'take the next older backup where one fails its checks' },
  force: { type: 'boolean', doc: "also over another cluster's data, to an older etcd, unproved" },
  ...shelfOptions,
  ...openingOptions,
};

/** Which backup: `latest`, or an id. Throws `usage`. */
export function wantedOf(call: Pick<Call, 'values' | 'positionals'>): Wanted {
  const { store, cluster } = call.values;
  const named = call.positionals[0] ?? 'latest';
  const before = textOf(call, 'before');
  if (before !== null && named !== 'latest') {
    throw new Failure('usage', '--before chooses among all backups; it goes with latest');
  }
  return {
    backup: named === 'latest' ? 'latest' : parseBackupId(named),
    before: before === null ? null : beforeOf(before),
    store: typeof store === 'string' ? store : null,
    cluster: typeof cluster === 'string' ? readClusterId(cluster) : null,
  };
}

/** Throws `usage`. */
export function askedOf(call: Pick<Call, 'values'>): RestoreAsked {
  const text = (name: string): string | null => textOf(call, name);
  const flag = (name: string): boolean => call.values[name] === true;
  const dataDir = text('data-dir');
  if (dataDir === null) throw new Failure('usage', 'name the data directory with --data-dir');
  const name = text('name');
  const listed = text('initial-cluster');
  const own = text('initial-advertise-peer-urls');
  const initialCluster = listed === null ? null : parseInitialCluster(listed);
  return {
    dataDir: resolve(dataDir),
    name,
    initialCluster: own === null ? initialCluster : withOwn(initialCluster, name, own),
    initialClusterToken: text('initial-cluster-token'),
    bumpRevision: bumpOf(text('bump-revision'), flag('mark-compacted')),
    clearAlarms: flag('clear-alarms'),
    owner: ownerOf(text('owner')),
    etcdVersion: versionOf(text('etcd-version')),
    force: flag('force'),
    fallback: flag('fallback'),
    dryRun: flag('dry-run'),
  };
}

function textOf(call: Pick<Call, 'values'>, name: string): string | null {
  const value = call.values[name];
  if (value === '') throw new Failure('usage', `--${name} is empty`);
  return typeof value === 'string' ? value : null;
}

/** As the official tools: they must agree with the list; without a list they are the cluster. */
function withOwn(
  cluster: RestoreAsked['initialCluster'],
  name: string | null,
  urls: string,
): NonNullable<RestoreAsked['initialCluster']> {
  if (name === null) throw new Failure('usage', '--initial-advertise-peer-urls needs --name');
  const own = parseInitialCluster(
    urls
      .split(',')
      .map((url) => `${name}=${url}`)
      .join(','),
  );
  if (cluster === null) return own;
  const listed = cluster.find((member) => member.name === name);
  const sorted = (of: readonly string[] | undefined): string => (of ?? []).toSorted().join(',');
  if (sorted(listed?.peerUrls) === sorted(own[0]?.peerUrls)) return cluster;
  const there = listed === undefined ? `no ${name}` : `${name} at ${listed.peerUrls.join(',')}`;
  throw new Failure('usage', `--initial-cluster has ${there}, not at ${urls}`);
}

function bumpOf(text: string | null, marksCompacted: boolean): bigint | null {
  if ((text !== null) !== marksCompacted) {
    throw new Failure('usage', '--bump-revision and --mark-compacted go together', {
      hint: 'Watchers that hold a revision of the lost time must get an error, not a silent gap.',
    });
  }
  if (text === null) return null;
  const bump = parseBump(text);
  if (bump !== undefined) return bump;
  throw new Failure('usage', `--bump-revision takes a number of 1 or more, not ${text}`);
}

function ownerOf(text: string | null): RestoreAsked['owner'] {
  if (text === null) return null;
  const [, uid, gid] = /^(\d{1,10}):(\d{1,10})$/.exec(text) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  throw new Failure('usage', `--owner takes numbers as UID:GID, not ${text}`);
}

function versionOf(text: string | null): string | null {
  if (text === null || parseEtcdVersion(text) !== undefined) return text;
  throw new Failure('usage', `--etcd-version takes a version such as 3.5.30, not ${text}`);
}

function beforeOf(text: string): Date {
  const time = parseTime(text);
  if (time !== undefined) return time;
  throw new Failure('usage', `--before takes a time such as 2026-11-20T15:00:00Z, not ${text}`);
}
