/** The notation of etcd's `--initial-cluster`: `name=URL` pairs, one per URL, behind commas. */
import { Failure } from './errors.ts';
import type { InitialMember } from './restore.ts';

/** Throws `usage`. A name may come several times: it is a member with several URLs. */
export function parseInitialCluster(text: string): InitialMember[] {
  const urls = new Map<string, string[]>();
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(at, 0)).trim();
    const url = pair.slice(at + 1).trim();
    if (name === '') throw wrong(text, `"${pair}" is no NAME=URL`);
    requirePeerUrl(url, text);
    urls.set(name, [...(urls.get(name) ?? []), url]);
  }
  const all = [...urls.values()].flat();
  const twice = all.find((url, index) => all.indexOf(url) !== index);
  if (twice !== undefined) throw wrong(text, `${twice} is named twice`);
  return [...urls].map(([name, peerUrls]) => ({ name, peerUrls }));
}

export function formatInitialCluster(members: readonly InitialMember[]): string {
  return members.flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name}=${url}`)).join(',');
}

/** What etcd takes as a peer URL: a scheme, a host and a port, and nothing behind them. */
function requirePeerUrl(url: string, text: string): void {
  const parts = /^(https?):\/\/(\[[0-9a-fA-F:.]+(?:%25[\w.-]+)?\]|[^\s/:?#@]+):(\d{1,5})$/.exec(
    url,
  );
  const port = Number(parts?.[3]);
  if (parts !== null && port > 0 && port < 65_536) return;
  throw wrong(text, `"${url}" is no peer URL, such as https://10.0.0.1:2380`);
}

function wrong(text: string, reason: string): Failure {
  return new Failure('usage', `the initial cluster "${text}" is wrong: ${reason}`);
}
