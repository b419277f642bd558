/** Whether somebody who may be trusted listens at a place. Nothing is sent that could alarm. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Failure } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { type Place, wayFault } from './post.ts';

/** Connects, over TLS with the handshake and the look at the certificate, and hangs up. */
export async function reach({ url, ca, timeoutMs }: Place, signal: AbortSignal): Promise<string> {
  const isTls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (isTls ? 443 : 80));
  const trust = ca === null ? {} : { ca };
  const late = AbortSignal.timeout(timeoutMs);
  // Names only: an address is no name that TLS could ask for.
  const name = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
  const socket = isTls ? connectTls({ host, port, ...name, ...trust }) : connect({ host, port });
  try {
    const limit = AbortSignal.any([signal, late]);
    await once(socket, isTls ? 'secureConnect' : 'connect', { signal: limit });
  } catch (thrown) {
    signal.throwIfAborted();
    const reason = late.aborted ? `no answer in ${formatDuration(timeoutMs)}` : wayFault(thrown);
    throw new Failure('notify-failed', `${url.origin}: ${reason}`, { cause: thrown });
  } finally {
    socket.destroy();
  }
  return `${url.origin} can be reached; nothing was sent`;
}
