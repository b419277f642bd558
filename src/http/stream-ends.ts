import type { ServerResponse } from 'node:http';
import { finished, Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { FastifyInstance } from 'fastify';
import type { EventStreams } from './event-streams.ts';

const settled = promisify(finished);

/**
 * Streams have ended before the server closes: it destroys connections whose answer looks complete,
 * and over TLS the end of a stream is still on its way then.
 */
export function endStreamsFirst(app: FastifyInstance, events: EventStreams): void {
  const open = new Set<ServerResponse>();
  app.addHook('onSend', async (_request, { raw }, payload) => {
    if (!(payload instanceof Readable)) return;
    open.add(raw);
    raw.once('close', () => open.delete(raw));
  });
  app.addHook('preClose', async () => {
    events.close();
    // A cut connection has ended too.
    await Promise.allSettled([...open].map((raw) => settled(raw)));
  });
}
