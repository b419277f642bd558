/** Asks a cluster who is in it and how each member is, from any endpoint that answers. */
import type { MemberId } from '../core/backup.ts';
import { Failure, type FailureCode, toFailure } from '../core/errors.ts';
import type { AnsweredStatus, Endpoint, ListedMember } from './etcd3/endpoint.ts';
import type { Alarm, Member, Survey } from './port.ts';

interface Heard {
  readonly endpoint: Endpoint;
  readonly answered: AnsweredStatus;
}

export interface SurveyRoads {
  readonly configured: readonly string[];
  /** The road is closed by whoever opened it. Throws `cluster-tls` for unreadable files. */
  readonly open: (url: string) => Endpoint;
}

export async function surveyCluster(roads: SurveyRoads): Promise<Survey> {
  const asked = await Promise.all(roads.configured.map((url) => hear(url, roads)));
  const heard = asked.filter((each): each is Heard => !(each instanceof Failure));
  const listed = await listMembers(heard);
  if (listed instanceof Failure) {
    throw heard.length > 0
      ? listed
      : nobodyAnswers(asked.filter((each) => each instanceof Failure));
  }
  const members = await Promise.all(listed.map((member) => look(member, heard, roads)));
  const first = heard[0] as Heard;
  return { clusterId: first.answered.cluster, members, alarms: await askAlarms(members, roads) };
}

async function hear(url: string, roads: SurveyRoads): Promise<Heard | Failure> {
  try {
    const endpoint = roads.open(url);
    return { endpoint, answered: await endpoint.status() };
  } catch (error) {
    return toFailure(error, 'cluster-unreachable');
  }
}

/** A learner refuses the question, so others are asked until one answers. */
async function listMembers(heard: readonly Heard[]): Promise<readonly ListedMember[] | Failure> {
  let failure = new Failure('cluster-unreachable', 'no endpoint answers');
  for (const { endpoint } of heard) {
    try {
      return await endpoint.members();
    } catch (error) {
      failure = toFailure(error);
    }
  }
  return failure;
}

/** A wrong password or certificate says more than a dead endpoint beside it. */
const tellingCodes: readonly FailureCode[] = [
  'stopped',
  'cluster-auth',
  'cluster-permission',
  'cluster-tls',
];

/** One failure for all endpoints: the one that tells most. */
export function nobodyAnswers(failures: readonly Failure[]): Failure {
  const told = failures.find(({ code }) => tellingCodes.includes(code));
  const [first] = failures;
  if (told !== undefined) return told;
  if (failures.length === 1 && first !== undefined) return first;
  const reasons = failures.map(({ message }) => message).join('; ');
  return new Failure('cluster-unreachable', `no endpoint answers: ${reasons}`, { cause: first });
}

/** A configured endpoint that is this member wins: advertised names may not resolve from here. */
async function look(
  listed: ListedMember,
  heard: readonly Heard[],
  roads: SurveyRoads,
): Promise<Member> {
  const known = heard.find(({ answered }) => answered.member === listed.id);
  if (known !== undefined) {
    return { ...listed, endpoint: known.endpoint.url, status: known.answered.status };
  }
  let failure = new Failure('cluster-unreachable', 'it advertises no client URL');
  for (const url of listed.clientUrls) {
    const found = await hear(url, roads);
    if (found instanceof Failure) failure = found;
    else if (found.answered.member === listed.id) {
      return { ...listed, endpoint: url, status: found.answered.status };
    } else failure = otherMember(url, found.answered.member);
  }
  return { ...listed, endpoint: listed.clientUrls[0], status: failure };
}

function otherMember(url: string, member: MemberId): Failure {
  return new Failure('cluster-unreachable', `${url}: member ${member} answers there`);
}

async function askAlarms(
  members: readonly Member[],
  roads: SurveyRoads,
): Promise<readonly Alarm[] | Failure> {
  let failure = new Failure('cluster-unreachable', 'no voter could be asked for alarms');
  for (const { learner, endpoint, status } of members) {
    if (learner || endpoint === undefined || status instanceof Failure) continue;
    try {
      return await roads.open(endpoint).alarms();
    } catch (error) {
      failure = toFailure(error);
    }
  }
  return failure;
}
