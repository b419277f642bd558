/** What backups there are, and what may be done with one of them. */
import { parseBackupId } from '../core/names.ts';
import { copies, taken } from './answers.ts';
import { clusterName, flag, line, storeName, wholeNumber } from './fields.ts';
import { takenAnswer } from './job-routes.ts';
import { requestProblem } from './problem.ts';
import { type Answer, type Call, jsonAnswer, problemAnswer, type Route, route } from './route.ts';
import { backupId, list, named, object, text, truth } from './schema.ts';
import type { AdminOptions, Choice } from './sources.ts';

const params = { id: backupId };
const choice = { store: storeName, cluster: clusterName };
const held = object({ id: backupId, held: truth, stores: list(text) });

export const backupRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/backups',
    scope: 'read',
    weight: 'heavy',
    summary: 'The backups that the stores hold, the newest first, one entry for each copy.',
    query: { ...choice, limit: wholeNumber(1000, 100) },
    replies: {
      200: {
        description: 'The copies, and the stores that did not answer.',
        schema: object({ backups: list(named('Backup')), unreadable: list(named('Unreadable')) }),
      },
    },
    answer: async ({ backups }, { query, signal }) => {
      const found = await backups.list(query, { signal });
      return jsonAnswer(200, { ...found, unreadable: found.unreadable.map(unreadableJson) });
    },
  }),
  route({
    method: 'POST',
    path: '/v1/backups',
    scope: 'operate',
    summary: 'Asks for a backup now.',
    replies: {
      202: {
        description: 'It begins as soon as nothing else runs. One that waits answers all who ask.',
        schema: taken,
        located: true,
      },
    },
    answer: async ({ takeBackup }) => takenAnswer(await takeBackup()),
  }),
  route({
    method: 'GET',
    path: '/v1/backups/:id',
    scope: 'read',
    weight: 'heavy',
    summary: 'All that is known of one backup, one entry for each store that has it.',
    params,
    query: choice,
    replies: { 200: { description: 'The copies.', schema: copies } },
    problems: [404],
    answer: async ({ backups }, { params: { id = '' }, query, signal }) => {
      const rows = await backups.find(parseBackupId(id), query, { signal });
      if (rows.length > 0) return jsonAnswer(200, { backups: rows });
      return problemAnswer(requestProblem('not-found', `no store holds backup ${id}`));
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/backups/:id',
    // What is removed is gone; all that the other scopes allow can be made good again.
    scope: 'restore',
    weight: 'heavy',
    summary: 'Removes a backup from every store, or from none where one of them has to keep it.',
    params,
    query: choice,
    replies: {
      200: {
        description: 'It is removed.',
        schema: object({ id: backupId, stores: list(text) }),
      },
    },
    problems: [404, 409],
    answer: async ({ backups }, { params: { id = '' }, query, signal }) => {
      const stores = await backups.remove(parseBackupId(id), query, { signal });
      return jsonAnswer(200, { id, stores });
    },
  }),
  route({
    method: 'POST',
    path: '/v1/backups/:id/verify',
    scope: 'operate',
    weight: 'heavy',
    summary: 'Asks for every copy of a backup to be read back and compared with what was proved.',
    params,
    query: choice,
    body: { deep: flag('walk the database again, page by page, as after a drain') },
    replies: {
      202: { description: 'It begins in its turn.', schema: taken, located: true },
    },
    problems: [404],
    answer: answerVerify,
  }),
  route({
    method: 'PUT',
    path: '/v1/backups/:id/hold',
    scope: 'operate',
    weight: 'heavy',
    summary:
      'Marks a backup so that nothing removes it; a new reason takes the place of an old one.',
    params,
    query: choice,
    body: { reason: line(500, 'why it is held; shown by list and by the plan') },
    replies: { 200: { description: 'It is held in these stores.', schema: held } },
    problems: [404],
    answer: (options, call) => answerHold(options, call, call.body.reason),
  }),
  route({
    method: 'DELETE',
    path: '/v1/backups/:id/hold',
    scope: 'operate',
    weight: 'heavy',
    summary: 'Takes the hold away; there need not be one.',
    params,
    query: choice,
    replies: { 200: { description: 'It is held in none of these stores.', schema: held } },
    problems: [404],
    answer: (options, call) => answerHold(options, call, null),
  }),
  route({
    method: 'GET',
    path: '/v1/retention/plan',
    scope: 'read',
    weight: 'heavy',
    summary: 'What retention would keep and remove now, each with its reasons. Changes nothing.',
    query: choice,
    replies: { 200: { description: 'The plan.', schema: named('RetentionPlan') } },
    answer: async ({ backups }, { query, signal }) => {
      const plan = await backups.plan(query, { signal });
      return jsonAnswer(200, { ...plan, unreadable: plan.unreadable.map(unreadableJson) });
    },
  }),
];

type Unreadable = Awaited<ReturnType<AdminOptions['backups']['list']>>['unreadable'][number];

function unreadableJson({ store, failure: { code, message, hint } }: Unreadable): unknown {
  return { store, code, message, hint };
}

async function answerVerify(
  { verify }: AdminOptions,
  { params: { id = '' }, query, body, signal }: Call<Choice, { readonly deep: boolean }>,
): Promise<Answer> {
  const asked = await verify({ backup: parseBackupId(id), ...query, ...body }, { signal });
  if (asked !== undefined) return takenAnswer(asked);
  const detail = 'too many verifications are waiting';
  const hint = 'GET /v1/jobs lists them. A scrub reads every copy in its turn.';
  return problemAnswer(requestProblem('busy', detail, hint), { 'retry-after': '60' });
}

async function answerHold(
  { backups }: AdminOptions,
  { params: { id = '' }, query, signal }: Call<Choice>,
  reason: string | null,
): Promise<Answer> {
  const stores = await backups.hold(parseBackupId(id), { ...query, reason }, { signal });
  return jsonAnswer(200, { id, held: reason !== null, stores });
}
