/** Listening to events over the API. */
import { requestProblem } from './problem.ts';
import { type Answer, type Call, problemAnswer, type Route, type StreamAnswer } from './route.ts';
import type { AdminOptions } from './sources.ts';

export const eventRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/events', scope: 'read', answer: answerEvents, streams: true },
];

async function answerEvents(options: AdminOptions, call: Call): Promise<Answer | StreamAnswer> {
  if (Object.keys(call.query).length > 0) {
    const hint = 'To go on after an event, send its id in the header Last-Event-ID.';
    return problemAnswer(requestProblem('bad-request', 'the call takes no query', hint));
  }
  const lastId = call.headers['last-event-id'];
  const body = options.events.open(typeof lastId === 'string' ? lastId : undefined);
  if (body === undefined) {
    const detail = 'as many listen to events as may';
    return problemAnswer(requestProblem('too-many-listeners', detail), { 'retry-after': '10' });
  }
  // Closed with its connection, at the end of the daemon too; and no proxy may collect it.
  const headers = { connection: 'close', 'x-accel-buffering': 'no' };
  return { status: 200, contentType: 'text/event-stream', body, headers };
}
