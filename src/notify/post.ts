/** One message on its way: one request, one connection, one limit. Nothing here waits for ever. */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { systemCode } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';

export interface Outgoing extends Place {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Where, and whom to trust there. */
export interface Place {
  readonly url: URL;
  /** PEM of the authorities; null: the system's own. */
  readonly ca: string | null;
  readonly timeoutMs: number;
}

export interface Answer {
  readonly taken: boolean;
  /** What was answered or why nothing was, for people; of the URL it shows the host only. */
  readonly detail: string;
  /** Whether the same try, made later, may end well. */
  readonly again: boolean;
}

const passing: ReadonlySet<number> = new Set([408, 425, 429]);
const longestQuote = 200;

/** Sends it once. Never throws; a redirect is an answer like another, and is not followed. */
export async function post(outgoing: Outgoing, signal: AbortSignal): Promise<Answer> {
  const { url, timeoutMs } = outgoing;
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const response = await send(outgoing, AbortSignal.any([signal, late]));
    // What stands in the answer to a message that was taken is nobody's interest.
    if (isTaken(response)) response.destroy();
    return await judge(response, url);
  } catch (thrown) {
    const silence = late.aborted ? `no answer in ${formatDuration(timeoutMs)}` : undefined;
    return {
      taken: false,
      detail: `${url.origin}: ${silence ?? wayFault(thrown)}`,
      again: canHelp(thrown),
    };
  }
}

function send(outgoing: Outgoing, signal: AbortSignal): Promise<IncomingMessage> {
  const { url, method, headers, body, ca } = outgoing;
  // A connection for each message: they are hours apart, and certificates change meanwhile.
  const options = { method, headers: sized(headers, body, method), agent: false, signal };
  return new Promise((resolve, reject) => {
    const sent: ClientRequest =
      url.protocol === 'https:'
        ? requestHttps(url, { ...options, ...(ca === null ? {} : { ca }) })
        : requestHttp(url, options);
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end(method === 'GET' ? undefined : body);
  });
}

function sized(
  headers: Outgoing['headers'],
  body: string,
  method: Outgoing['method'],
): Record<string, string | number> {
  if (method === 'GET') return headers;
  return { ...headers, 'content-length': Buffer.byteLength(body) };
}

function isTaken({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

async function judge(response: IncomingMessage, url: URL): Promise<Answer> {
  const { statusCode = 0 } = response;
  const said = `${url.origin} answered ${statusCode}`;
  if (isTaken(response)) return { taken: true, detail: said, again: false };
  const again = statusCode >= 500 || passing.has(statusCode);
  const target = response.headers.location;
  if (statusCode >= 300 && statusCode < 400 && target !== undefined) {
    response.destroy();
    const origin = URL.parse(target, url.href)?.origin ?? 'somewhere';
    return { taken: false, detail: `${said}: it has moved to ${origin}; set the new URL`, again };
  }
  const quote = await beginningOf(response);
  return { taken: false, detail: quote === '' ? said : `${said}: ${quote}`, again };
}

/** The first words of an answer, which often say what is wrong with the message. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      if (text.length >= longestQuote) break;
    }
  } catch {
    // Its status is known; what breaks off behind that changes nothing.
  }
  return text
    .slice(0, longestQuote)
    .replaceAll(/[\s\p{C}]+/gu, ' ')
    .trim();
}

const ways: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the host',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not signed by a known authority; set ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by a known authority; set ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not signed by a known authority; set ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by a known authority; set ca',
};

/** Why nothing was answered, in words. */
export function wayFault(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return ways[systemCode(thrown) ?? ''] ?? message;
}

/** Certificates and malformed headers stay as they are until somebody mends them. */
function canHelp(thrown: unknown): boolean {
  return !/CERT|SELF_SIGNED|LEAF_SIGNATURE|ERR_INVALID/.test(systemCode(thrown) ?? '');
}
