/** Servers that answer as members of a cluster do, in the bytes of etcd's own messages. */
import {
  type GrpcCall,
  type GrpcServerOptions,
  type Script,
  startGrpcServer,
} from './grpc-server.ts';
import { frame, message, snapshotBody } from './protobuf-bytes.ts';

export const clusterNumber = 0xcdf8_1819_4e3a_8c32n;

/** A member as the member list has it. Ids lie above 2^63, where a signed number would show. */
export interface ToldMember {
  readonly id: bigint;
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly learner?: boolean;
}

export interface Answers {
  readonly id: bigint;
  /** Asked for at each call: addresses are only known when all servers run. */
  readonly members: () => readonly ToldMember[];
  /** Pairs of member and kind (1 NOSPACE, 2 CORRUPT). */
  readonly alarms?: readonly (readonly [bigint, bigint])[];
  readonly leader?: bigint;
  /** Instead of the answer to a method, known by the end of its name. */
  readonly instead?: Readonly<Record<string, Script>>;
}

/** Whoever asks for something else waits for ever. */
export function startMember(answers: Answers, options: GrpcServerOptions = {}) {
  return startGrpcServer((call) => {
    const name = call.method.split('/').at(-1) ?? '';
    return (answers.instead?.[name] ?? scripts[name])?.(call, answers);
  }, options);
}

const scripts: Readonly<Record<string, (call: GrpcCall, answers: Answers) => void>> = {
  Status: (call, answers) => call.answer(statusOf(answers)),
  MemberList: (call, answers) => {
    const members = answers.members().map((each) => [2, memberOf(each)] as const);
    call.answer(message([1, headerOf(answers)], ...members));
  },
  Alarm: (call, answers) => {
    const alarms = (answers.alarms ?? []).map((each) => [2, alarmOf(each)] as const);
    call.answer(message([1, headerOf(answers)], ...alarms));
  },
  Range: (call, answers) => call.answer(message([1, headerOf(answers)])),
  Authenticate: (call, answers) => {
    call.answer(message([1, headerOf(answers)], [2, `token of ${call.request.toString('hex')}`]));
  },
  HashKV: (call, answers) => call.answer(message([1, headerOf(answers)], [2, 7n], [3, 5n])),
  Snapshot: (call) => {
    call.send(frame(snapshotBody({ blob: Buffer.from('all') })));
    call.end();
  },
};

const revisionNumber = 2n ** 53n + 1n;

function headerOf({ id }: Answers): Buffer {
  return message([1, clusterNumber], [2, id], [3, revisionNumber], [4, 9n]);
}

/** version 2, dbSize 3, leader 4, raftIndex 5, raftTerm 6, raftAppliedIndex 7, dbSizeInUse 9. */
function statusOf(answers: Answers): Buffer {
  return message(
    [1, headerOf(answers)],
    [2, '3.5.30'],
    [3, 20_480n],
    [4, answers.leader ?? 0n],
    [5, 2n ** 60n],
    [6, 9n],
    [7, 2n ** 60n - 3n],
    [9, 16_384n],
  );
}

/** ID 1, name 2, peerURLs 3, clientURLs 4, isLearner 5. */
function memberOf({ id, name, clientUrls, learner = false }: ToldMember): Buffer {
  const urls = clientUrls.map((url) => [4, url] as const);
  return message([1, id], [2, name], [3, `http://${name}:2380`], ...urls, [5, learner ? 1n : 0n]);
}

/** memberID 1, alarm 2. */
function alarmOf([member, kind]: readonly [bigint, bigint]): Buffer {
  return message([1, member], [2, kind]);
}

/** The name and the password of an AuthenticateRequest, as the token above repeats it. */
export function tokenFor(username: string, password: string): string {
  return `token of ${message([1, username], [2, password]).toString('hex')}`;
}
