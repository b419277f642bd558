/** The configuration, read again by request. */
import { toFailure } from '../core/errors.ts';
import { failureProblem } from './problem.ts';
import { type Answer, jsonAnswer, problemAnswer, type Route, route } from './route.ts';
import { list, object } from './schema.ts';
import type { AdminOptions } from './sources.ts';

const reloaded = object({
  status: { enum: ['applied', 'unchanged', 'waiting'] },
  changed: { ...list({ type: 'string' }), description: 'Keys whose value is another one.' },
});

export const reloadRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/reload',
    scope: 'operate',
    summary: 'Reads the configuration again; one that is wrong is refused as a whole.',
    replies: {
      200: { description: 'It holds, or nothing has changed.', schema: reloaded },
      202: { description: 'It holds as soon as what runs now has ended.', schema: reloaded },
    },
    problems: [422],
    answer: answerReload,
  }),
];

async function answerReload({ reload }: AdminOptions): Promise<Answer> {
  try {
    const answer = await reload();
    return jsonAnswer(answer.status === 'waiting' ? 202 : 200, answer);
  } catch (thrown) {
    const failure = toFailure(thrown);
    if (failure.code !== 'config-invalid') throw failure;
    // Nothing is wrong with the call, nor with the daemon, which goes on: with the file.
    const title = 'Unprocessable Content';
    return problemAnswer({ ...failureProblem(failure), status: 422, title });
  }
}
