/** URLs that something is sent to. They are often secrets: no reason given here quotes them. */
import { Failure } from './errors.ts';

/** Throws `config-invalid` with the reason alone. */
export function parseWebAddress(text: string): URL {
  if (!/^https?:\/\//i.test(text)) throw refusal('must begin with http:// or https://');
  const url = URL.parse(text);
  if (url === null) throw refusal('is not a URL');
  if (url.username !== '' || url.password !== '') {
    throw refusal('must not hold a user or password: send them in a header');
  }
  if (url.hash !== '') throw refusal('must not hold a #: what stands behind it is never sent');
  return url;
}

/** Whether somebody on the way can read what is sent there. */
export function crossesInClear({ protocol, hostname }: URL): boolean {
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
  return protocol === 'http:' && !isLocal;
}

function refusal(reason: string): Failure {
  return new Failure('config-invalid', reason);
}
