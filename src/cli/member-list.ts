/** The members of a cluster as rows, and what is to be said of those that do not answer. */
import { lagOf } from '../cluster/choose.ts';
import type { Member, Survey } from '../cluster/port.ts';
import { Failure } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { type Health, hasCorruptAlarm, healthOf, leaderOf } from '../engine/quorum.ts';
import { table } from './table.ts';

export interface MemberRow {
  readonly name: string;
  readonly id: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly role: 'voter' | 'learner';
  readonly health: Health | 'corrupt';
  readonly leader: boolean;
  readonly version: string | null;
  readonly databaseBytes: number | null;
  /** Entries of the log behind the leader. */
  readonly lag: bigint | null;
  /** Why it is not healthy. */
  readonly reason: string | null;
}

export function memberRows(survey: Survey): MemberRow[] {
  const leader = leaderOf(survey);
  return survey.members
    .map((member) => rowOf(member, survey, leader))
    .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id));
}

function rowOf(member: Member, survey: Survey, leader: ReturnType<typeof leaderOf>): MemberRow {
  const { id, name, peerUrls, clientUrls, status } = member;
  const answered = status instanceof Failure ? null : status;
  const corrupt = hasCorruptAlarm(survey, member);
  const health = corrupt ? 'corrupt' : healthOf(member, leader);
  return {
    name,
    id,
    peerUrls,
    clientUrls,
    role: member.learner ? 'learner' : 'voter',
    health,
    leader: id === leader,
    version: answered?.serverVersion ?? null,
    databaseBytes: answered?.databaseBytes ?? null,
    lag: answered === null ? null : lagOf(answered, survey.members),
    reason: reasonOf(health, status),
  };
}

/** For people: what is wrong with a member, or null where nothing is. */
export function reasonOf(health: MemberRow['health'], status: Member['status']): string | null {
  switch (health) {
    case 'healthy':
      return null;
    case 'corrupt':
      return 'has the alarm CORRUPT: its data differs from that of the others';
    case 'unstarted':
      return 'was added but has not started';
    case 'leaderless':
      return 'answers, but does not follow the leader of the others';
    case 'silent':
      return `does not answer: ${status instanceof Failure ? status.message : 'no reason known'}`;
  }
}

export function memberTable(rows: readonly MemberRow[]): string {
  const heading = [
    ...['NAME', 'ID', 'PEER URLS', 'CLIENT URLS', 'ROLE', 'HEALTH'],
    ...['LEADER', 'VERSION', 'SIZE', 'LAG'],
  ];
  const lines = rows.map((row) => [
    row.name || '-',
    row.id,
    row.peerUrls.join(',') || '-',
    row.clientUrls.join(',') || '-',
    row.role,
    row.health,
    row.leader ? 'leader' : '-',
    row.version ?? '-',
    row.databaseBytes === null ? '-' : formatBytes(row.databaseBytes),
    row.lag?.toString() ?? '-',
  ]);
  const notes = rows.flatMap(({ name, id, reason }) =>
    reason === null ? [] : [`${name || id} ${reason}\n`],
  );
  return `${table([heading, ...lines])}${notes.length > 0 ? '\n' : ''}${notes.join('')}`;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
