/** Listening to events over the API. */
import { requestProblem } from './problem.ts';
import {
  type Answer,
  type Call,
  problemAnswer,
  type Route,
  route,
  type StreamAnswer,
} from './route.ts';
import type { AdminOptions } from './sources.ts';

export const eventRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/events',
    scope: 'read',
    summary:
      'What happens, while it happens, as server-sent events with the fields of the log. The ' +
      'header Last-Event-ID goes on after the event of that id.',
    replies: {
      200: { description: 'To be asked for again when it ends.', contentType: 'text/event-stream' },
    },
    problems: [429],
    answer: answerEvents,
  }),
];

async function answerEvents(
  { events }: AdminOptions,
  { headers: asked }: Call,
): Promise<Answer | StreamAnswer> {
  const lastId = asked['last-event-id'];
  const body = events.open(typeof lastId === 'string' ? lastId : undefined);
  if (body === undefined) {
    const detail = 'as many listen to events as may';
    return problemAnswer(requestProblem('too-many-listeners', detail), { 'retry-after': '10' });
  }
  // Closed with its connection, at the end of the daemon too; and no proxy may collect it.
  const headers = { connection: 'close', 'x-accel-buffering': 'no' };
  return { status: 200, contentType: 'text/event-stream', body, headers };
}
