/** The admin API on a socket: opens it, and closes it within a limit. */
import type { FastifyInstance } from 'fastify';
import { Failure, systemCode } from '../core/errors.ts';
import { buildAdmin } from './admin-app.ts';
import type { AdminOptions } from './sources.ts';

export interface AdminServer extends AsyncDisposable {
  /** `http://127.0.0.1:8379`, or https. */
  readonly address: string;
}

const usualCloseLimitMs = 2_000;

/**
 * Listens, or throws `http-listen`, or what reading the TLS files throws. Disposal waits for calls
 * in progress, but not for long.
 */
export async function serveAdmin(options: AdminOptions): Promise<AdminServer> {
  const app = buildAdmin(options);
  const { host, port } = options.listen;
  try {
    // The name may stand for two addresses; fastify would open a second server that it keeps to
    // itself, out of reach of the limits below.
    await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port });
  } catch (thrown) {
    await app.close();
    const reason = systemCode(thrown) ?? (thrown instanceof Error ? thrown.message : 'unknown');
    throw new Failure('http-listen', `cannot listen on ${host}:${port}: ${reason}`, {
      cause: thrown,
      context: { host, port },
    });
  }
  // A failed accept (no free descriptor) concerns one caller; without a listener it would end
  // the process, and backups with it.
  app.server.on('error', () => {});
  const address = `${options.tls === undefined ? 'http' : 'https'}://${boundTo(app)}`;
  options.observe({ kind: 'http-listening', address });

  const closeLimitMs = options.closeLimitMs ?? usualCloseLimitMs;
  return { address, [Symbol.asyncDispose]: () => close(app, closeLimitMs) };
}

function boundTo(app: FastifyInstance): string {
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string') return String(bound);
  return `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

/** Safe to call twice. Idle connections end at once, those with a call in progress at the limit. */
async function close(app: FastifyInstance, limitMs: number): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), limitMs);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}
