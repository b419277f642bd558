/** POST /v1/reload. */
import { toFailure } from '../core/errors.ts';
import { failureProblem } from './problem.ts';
import { type Answer, type Call, fieldless, isEmpty, jsonAnswer, problemAnswer } from './route.ts';
import type { AdminOptions } from './sources.ts';

export async function answerReload({ reload }: AdminOptions, { body }: Call): Promise<Answer> {
  if (!isEmpty(body)) return problemAnswer(fieldless);
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
