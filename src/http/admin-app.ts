/**
 * The admin API without a socket: which limits a request meets, what is asked of it in which
 * order, and what is told about it.
 */
import type { ServerOptions } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { toFailure } from '../core/errors.ts';
import { clientOf } from './client-certificates.ts';
import { type Fields, readFields } from './fields.ts';
import { judge, type Verdict } from './guard.ts';
import { Limits } from './limits.ts';
import { whileAwaited } from './patience.ts';
import { requestProblem, thrownProblem } from './problem.ts';
import {
  type Answer,
  type Call,
  matchesPath,
  problemAnswer,
  type Route,
  type StreamAnswer,
} from './route.ts';
import { routes } from './routes.ts';
import type { AdminOptions, ClientNames } from './sources.ts';
import { endStreamsFirst } from './stream-ends.ts';
import { followFiles, shownBy, type TlsMaterial, tlsOptions } from './tls.ts';
import { answerUnreadable } from './unreadable.ts';

// One caller that sends nothing, or too much, must not cost the daemon memory or sockets. No call
// has a body worth the name, and a list over a slow store is the longest answer.
const bodyLimitBytes = 64 * 1024;
const headLimitBytes = 16 * 1024;
const headTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
const usualAnswerLimitMs = 60_000;
const idleTimeoutMs = 5_000;
const mostConnections = 100;

/** Throws what reading the TLS files throws. */
export function buildAdmin(options: AdminOptions): FastifyInstance {
  const callers = new WeakMap<object, Verdict['caller']>();
  const limits = new Limits(options.nowMs);
  const shown = options.tls?.();
  const app = fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
    // While closing, the daemon itself says what it still takes.
    return503OnClosing: false,
    ...serverOptions(shown),
    clientErrorHandler: answerUnreadable,
    // A path that cannot be decoded meets no hook: it is told here.
    frameworkErrors: (error, request, reply) => {
      const answer = thrownAnswer(error);
      tellCall(request, { who: 'anonymous', status: answer.status }, options);
      send(reply, answer);
    },
  });
  app.server.maxConnections = mostConnections;
  if (options.tls !== undefined && shown !== undefined) {
    const { tls: read, observe } = options;
    followFiles(app.server, { first: shown, read, observe });
  }
  acceptJsonOnly(app);
  app.addHook('onRequest', async (request, reply) => {
    const verdict = admit(request, limits, options);
    callers.set(request, verdict.caller);
    if (verdict.problem === undefined) return undefined;
    return send(reply, problemAnswer(verdict.problem, verdict.headers));
  });
  // The moment at which the outcome is decided: later the caller may be gone, and the call would
  // be missing in the audit.
  app.addHook('onSend', async (request, reply) => {
    const who = callers.get(request) ?? 'anonymous';
    tellCall(request, { who, status: reply.statusCode }, options);
  });
  app.setErrorHandler((error, request, reply) => {
    const answer = thrownAnswer(error);
    // The caller is told little of a fault; the log must be told all of it.
    if (answer.status >= 500 && !reply.raw.destroyed) tellFault(request, error, options);
    return send(reply, answer);
  });
  app.setNotFoundHandler((_request, reply) =>
    send(reply, problemAnswer(requestProblem('not-found', 'no such path'))),
  );
  endStreamsFirst(app, options.events);
  for (const route of routes) addRoute(app, route, { limits, options });
  return app;
}

/** Fastify's types know a plain or a secure server; which of them it is, is known at run time. */
function serverOptions(shown: TlsMaterial | undefined): { readonly http: ServerOptions } {
  const http = {
    maxHeaderSize: headLimitBytes,
    headersTimeout: headTimeoutMs,
    connectionsCheckingInterval: 5_000,
  };
  const secure = { https: shown === undefined ? null : { ...http, ...tlsOptions(shown) } };
  return { http, ...secure };
}

/** The door, and how often one may knock at it. */
function admit(request: FastifyRequest, limits: Limits, options: AdminOptions): Verdict {
  const { listen, tokens, clients } = options;
  const head = { ...headOf(request), client: () => knownClient(request, clients) };
  const isProbe = routes.some(({ path, weight }) => weight === 'probe' && path === head.path);
  const house = { listenHost: listen.host, tokens, clients };
  if (isProbe) return judge(head, house);
  const hasToken = head.authorization !== undefined;
  const early = hasToken ? limits.refuseToken(request.ip) : undefined;
  if (early !== undefined) return { caller: 'anonymous', ...early };
  const verdict = judge(head, house);
  if (hasToken && verdict.problem?.code === 'token-missing') limits.countWrongToken(request.ip);
  const late = limits.refuseCall(request.ip, verdict.caller);
  return late === undefined ? verdict : { caller: verdict.caller, ...late };
}

interface Room {
  readonly limits: Limits;
  readonly options: AdminOptions;
}

function addRoute(app: FastifyInstance, route: Route, { limits, options }: Room): void {
  const limitMs = options.answerLimitMs ?? usualAnswerLimitMs;
  app.route<{ Params: Record<string, string> }>({
    method: route.method,
    url: route.path,
    handler: async ({ params, query, body, headers }, reply) => {
      const read = readCall(route, query, body);
      if ('problem' in read) return send(reply, problemAnswer(read.problem));
      const result = await whileAwaited(reply.raw, limitMs, (signal) => {
        const call = { params, headers, signal, ...read } as Call<never, never>;
        const answer = (): Promise<Answer | StreamAnswer> => route.answer(options, call);
        return route.weight === 'heavy' ? limits.heavily(answer) : answer();
      });
      const isRefused = 'problem' in result;
      return send(reply, isRefused ? problemAnswer(result.problem, result.headers) : result);
    },
  });
}

/** A probe may be asked with whatever a prober adds to it. */
function readCall(route: Route, query: unknown, body: unknown) {
  if (route.weight === 'probe') return { query: {}, body: undefined };
  const asked = readFields(route.query ?? {}, query);
  if ('problem' in asked) return asked;
  if (route.body !== undefined && 'whole' in route.body) return { query: asked.values, body };
  const given = readFields((route.body ?? {}) as Fields, body);
  return 'problem' in given ? given : { query: asked.values, body: given.values };
}

function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, text === '' ? undefined : JSON.parse(String(text)));
    } catch {
      done(Object.assign(new Error('not JSON'), { statusCode: 400 }));
    }
  });
}

function send(reply: FastifyReply, answer: Answer | StreamAnswer): FastifyReply {
  const { body } = answer;
  // Nobody would ever read it, and it would count as a listener.
  if (reply.request.method === 'HEAD' && typeof body !== 'string') body.destroy();
  return (
    reply
      .code(answer.status)
      .headers({
        ...answer.headers,
        'content-type': answer.contentType,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
      // As bytes: to text of a JSON type fastify would add a charset, which problem+json has not.
      .send(typeof body === 'string' ? Buffer.from(body) : body)
  );
}

interface Outcome {
  readonly who: Verdict['caller'];
  readonly status: number;
}

/** The audit: every call that would change something, whatever came of it. */
function tellCall(request: FastifyRequest, { who, status }: Outcome, options: AdminOptions): void {
  if (['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(request.method)) return;
  const { method, path } = headOf(request);
  const about = { who, from: request.ip, method, path, status };
  const route = routes.find((one) => one.method === method && matchesPath(one.path, path));
  const target = route?.target?.(request);
  options.observe({ kind: 'call-made', ...about, ...(target === undefined ? {} : { target }) });
}

function tellFault(request: FastifyRequest, error: unknown, options: AdminOptions): void {
  const { method, path } = headOf(request);
  options.observe({ kind: 'call-failed', method, path, failure: toFailure(error) });
}

function knownClient(request: FastifyRequest, names: ClientNames | undefined) {
  const shown = shownBy(request.socket);
  if (shown === undefined || names === undefined) return undefined;
  return clientOf(shown, { names, now: new Date() });
}

function thrownAnswer(thrown: unknown): Answer {
  return problemAnswer(thrownProblem(thrown));
}

function headOf(request: FastifyRequest) {
  const { host, authorization } = request.headers;
  const path = (request.url.split('?', 1)[0] ?? '').slice(0, 500);
  return { method: request.method, path, host, authorization };
}
