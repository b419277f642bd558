/** Calls of the admin API that must be refused, each for one reason. */
import fc from 'fast-check';
import { type Asked, json, junk, type Known, rightCall } from './api-calls.ts';
import { bearer, type RawCall, tokens } from './api-place.ts';

/** A call that has to be refused, whatever else is in it. */
export function wrongCall(known: Known): fc.Arbitrary<Asked> {
  const parts = { call: rightCall(known), spoil: fc.constantFrom(...wrongs), at: fc.nat(), junk };
  return fc
    .record(parts)
    .map(({ call, spoil, at, junk: text }) => {
      const pick = <T>(items: readonly T[]): T => items[at % items.length] as T;
      return spoil({ ...call, pick, text });
    })
    .filter((call) => call !== undefined);
}

type Spoiled = Asked & { pick<T>(items: readonly T[]): T; readonly text: string };
type Spoil = (call: Spoiled) => Asked | undefined;

const isProbe = (target: string): boolean => /^\/(healthz|readyz|metrics)(\?|$)/.test(target);
const isOpen = (target: string): boolean => isProbe(target) || /^\/openapi\.json/.test(target);
const isRead = ({ method }: Asked): boolean => method === 'GET' || method === 'HEAD';
const without = ({ headers = [] }: Asked, name: string): string[] =>
  headers.filter((line) => !line.toLowerCase().startsWith(`${name}:`));

const wrongs: readonly Spoil[] = [
  function withoutToken(call) {
    if (isOpen(call.target)) return undefined;
    return wrong(call, 'no token', { headers: without(call, 'authorization') });
  },
  function withWrongToken(call) {
    if (isOpen(call.target)) return undefined;
    const guess = Buffer.from(call.text).toString('base64url');
    const { read, operate } = tokens;
    const line = call.pick([
      bearer(guess),
      `Authorization: Basic ${guess}`,
      `Authorization: ${read}`,
      `Authorization: Bearer ${operate}x`,
      `Authorization: Bearer ${operate} ${operate}`,
      'Authorization:',
    ]);
    return wrong(call, 'a wrong token', { headers: [...without(call, 'authorization'), line] });
  },
  function withLowerScope(call) {
    if (isRead(call) && !call.target.startsWith('/v1/restores')) return undefined;
    const headers = [...without(call, 'authorization'), bearer(tokens.read)];
    return wrong(call, 'the scope read', { headers });
  },
  function withWrongMethod(call) {
    const method = call.pick(['PATCH', 'OPTIONS', 'TRACE', 'QUERY', 'LOCK', 'PROPFIND']);
    return wrong(call, `the method ${method}`, { method });
  },
  function withUnknownField(call) {
    if (isProbe(call.target)) return undefined;
    const name = encodeURIComponent(`${call.pick(['x', '__proto__', 'command', 'path'])}`);
    const value = Buffer.from(call.text).toString('base64url');
    const target = `${call.target}${call.target.includes('?') ? '&' : '?'}${name}=${value}`;
    return wrong(call, 'a field that nobody knows', { target });
  },
  function withRepeatedField(call) {
    const [, first] = /\?([^&]+)/.exec(call.target) ?? [];
    if (first === undefined) return undefined;
    return wrong(call, 'a field given twice', { target: `${call.target}&${first}` });
  },
  function withWrongPath(call) {
    const [path = '', query] = call.target.split('?');
    const other = call.pick([
      `${path}/`,
      `/${path}`,
      `${path}/x`,
      path.toUpperCase(),
      path.replace('/v1', '/v2'),
      `${path}%00`,
      `${path}/../status`,
      `${path}\\..\\status`,
      `/${encodeURIComponent(path)}`,
    ]);
    if (other === path || isRead(call)) return undefined;
    const target = query === undefined ? other : `${other}?${query}`;
    return wrong(call, 'a wrong path', { target });
  },
  function withWrongEncoding(call) {
    const target = call.pick(['/v1/%zz', '/v1/backups/%c3%28', '/v1/%', `${call.target}%`, '/%ff']);
    if (isRead(call)) return undefined;
    return wrong(call, 'a wrong encoding', { target });
  },
  function withBrokenBody(call) {
    if (isRead(call)) return undefined;
    const body = call.pick(['{', '[]', 'null', '"{}"', '{"a":1', '1', '{}{}', '\u0000', '{"a":1}']);
    return wrong(call, 'a broken body', {
      body,
      headers: [...without(call, 'content-type'), json],
    });
  },
  function withUnknownKey(call) {
    if (isRead(call)) return undefined;
    const given = JSON.parse(call.body ?? '{}');
    const key = call.pick(['command', 'before ', '__proto__', 'owner', 'hook', 'Reason']);
    const body = JSON.stringify(given).replace('{', `{${JSON.stringify(key)}:"/bin/sh",`);
    return wrong(call, 'a key that nobody knows', {
      body: body.replace(',}', '}'),
      headers: [...without(call, 'content-type'), json],
    });
  },
  function withWrongType(call) {
    if (isRead(call)) return undefined;
    const type = call.pick(['text/plain', 'application/xml', 'multipart/form-data', ';', 'a/b']);
    const headers = [...without(call, 'content-type'), `Content-Type: ${type}`];
    return wrong(call, 'a wrong type', { headers, body: call.body ?? '{}' });
  },
  function withTooMuch(call) {
    if (isRead(call)) return undefined;
    const headers = [...without(call, 'content-type'), json];
    return wrong(call, 'too large a body', { headers, body: `"${'x'.repeat(70_000)}"` });
  },
  function withLargeHead(call) {
    if (call.method === 'HEAD') return undefined;
    const headers = [...(call.headers ?? []), `X-Much: ${'x'.repeat(20_000)}`];
    return wrong(call, 'too large a head', { headers });
  },
  function withOtherHost(call) {
    if (isOpen(call.target)) return undefined;
    const host = call.pick(['evil.example', '127.0.0.1.evil.example', '', 'a@localhost', '[::2]']);
    return wrong(call, 'another host', { headers: [...(call.headers ?? []), `Host: ${host}`] });
  },
  function withBrokenFraming(call) {
    if (isRead(call)) return undefined;
    const line = call.pick([
      'Content-Length: -1',
      'Content-Length: 1x',
      'Transfer-Encoding: x',
      'Transfer-Encoding: chunked\r\nContent-Length: 3',
      'Content-Length: 3\r\nContent-Length: 4',
    ]);
    const headers = [...(call.headers ?? []), line];
    return wrong(call, 'broken framing', { headers, body: '{}', hangsUp: true });
  },
];

function wrong(call: Asked, fault: string, changes: Partial<RawCall>): Asked {
  const { method, target, headers = [], body } = call;
  const sent = body === undefined ? {} : { body };
  return { method, target, headers, ...sent, ...changes, fault };
}
