/** How the daemon is. */
import { type Answer, jsonAnswer, type Route, route } from './route.ts';
import { named, object, text, truth } from './schema.ts';
import type { AdminOptions, Health } from './sources.ts';

const health = object({ ok: truth, reason: text });

export const stateRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/healthz',
    scope: 'open',
    weight: 'probe',
    summary: 'Whether the daemon is alive: its loop, not only its server.',
    replies: {
      200: { description: 'It is.', schema: health },
      503: { description: 'It is not, and should be restarted.', schema: health },
    },
    answer: async (options) => healthAnswer(options.alive),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    scope: 'open',
    weight: 'probe',
    summary: 'Whether the schedule is armed and the daemon is not draining.',
    replies: {
      200: { description: 'It is ready.', schema: health },
      503: { description: 'It is not ready.', schema: health },
    },
    answer: async (options) => healthAnswer(options.ready),
  }),
  route({
    method: 'GET',
    path: '/metrics',
    scope: 'open',
    weight: 'probe',
    summary: 'The metrics page for Prometheus.',
    replies: { 200: { description: 'Text of Prometheus.' } },
    answer: answerMetrics,
  }),
  route({
    method: 'GET',
    path: '/v1/status',
    scope: 'read',
    summary: 'What the daemon does, has done last and does next, and what it knows of its stores.',
    replies: { 200: { description: 'The status.', schema: named('Status') } },
    answer: async (options) => jsonAnswer(200, await options.status()),
  }),
];

function healthAnswer(ask: () => Health): Answer {
  const { ok, reason } = askHealth(ask);
  return jsonAnswer(ok ? 200 : 503, { ok, reason });
}

/** A probe that cannot be answered is answered with no: restarting is what it is asked for. */
function askHealth(ask: () => Health): Health {
  try {
    return ask();
  } catch {
    return { ok: false, reason: 'the state of the daemon cannot be told' };
  }
}

async function answerMetrics(options: AdminOptions): Promise<Answer> {
  const { contentType } = options.metrics;
  return { status: 200, contentType, body: await options.metrics.text() };
}
