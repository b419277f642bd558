/** Work that takes its time: it is asked for, and looked up later. */
import { jobJson } from '../core/jobs.ts';
import { taken } from './answers.ts';
import { type RequestFault, requestProblem } from './problem.ts';
import { type Answer, jsonAnswer, problemAnswer, type Route, route } from './route.ts';
import { list, named, object, workId } from './schema.ts';
import type { TakeAnswer } from './sources.ts';

const accepted = {
  202: { description: 'It begins in its turn.', schema: taken, located: true },
} as const;

export const jobRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/jobs',
    scope: 'read',
    summary: 'What the daemon does, was asked for and has done lately, the newest first.',
    replies: {
      200: {
        description: 'All that wait or run, and the last hundred or so since the start.',
        schema: object({ jobs: list(named('Job')) }),
      },
    },
    answer: async ({ jobs }) => jsonAnswer(200, { jobs: jobs.list().map((job) => jobJson(job)) }),
  }),
  route({
    method: 'GET',
    path: '/v1/jobs/:id',
    scope: 'read',
    summary: 'One job: whether it waits, runs or has ended, how far it is and what came of it.',
    params: { id: workId },
    replies: { 200: { description: 'The job.', schema: named('Job') } },
    problems: [404],
    answer: async ({ jobs }, { params }) => {
      const job = jobs.find(params.id ?? '');
      if (job !== undefined) return jsonAnswer(200, jobJson(job));
      const hint = 'GET /v1/jobs lists those that are remembered: the last ones since the start.';
      return problemAnswer(requestProblem('not-found', 'no such job is remembered', hint));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/scrubs',
    scope: 'operate',
    summary: 'Asks for a scrub: manifests held against the stores, copies read whose turn it is.',
    replies: accepted,
    problems: [409],
    answer: async ({ requestScrub }) =>
      onceAnswer(await requestScrub(), 'a scrub is running or due already'),
  }),
  route({
    method: 'POST',
    path: '/v1/heals',
    scope: 'operate',
    summary: 'Asks for the stores to get the backups that they missed from each other.',
    replies: accepted,
    problems: [404, 409],
    answer: async ({ requestHeal }) => {
      if (requestHeal !== undefined) {
        const detail = 'stores are being healed, or are about to be';
        return onceAnswer(await requestHeal(), detail);
      }
      const hint = 'It takes two stores, and heal.enabled.';
      return problemAnswer(requestProblem('not-found', 'this daemon does not heal stores', hint));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/drills',
    scope: 'restore',
    summary: 'Asks for a drill: the newest proved backup, restored to a scratch folder and served.',
    replies: accepted,
    problems: [409],
    answer: async ({ requestDrill }) =>
      onceAnswer(await requestDrill(), 'a drill is running or due already'),
  }),
];

/** Where to look for what becomes of it. */
export function takenAnswer({ status, job }: TakeAnswer): Answer {
  const headers = { location: `/v1/jobs/${job.id}` };
  return { ...jsonAnswer(202, { status, job: jobJson(job) }), headers };
}

/** For work that is not done twice because two ask for it. */
function onceAnswer(answer: TakeAnswer, detail: string): Answer {
  if (answer.status === 'accepted') return takenAnswer(answer);
  const code: RequestFault = 'already-running';
  const hint = `GET /v1/jobs/${answer.job.id} tells when it has ended, and how.`;
  return problemAnswer(requestProblem(code, detail, hint));
}
