/** The cluster as the program uses it: etcd3 for what it does well, our own door for the rest. */
import { Failure, toFailure } from '../core/errors.ts';
import { askHashKv, askToken, streamSnapshot } from './door/maintenance.ts';
import type { Caller } from './door/unary.ts';
import type { Endpoint } from './etcd3/endpoint.ts';
import type { Cluster, Member } from './port.ts';
import { surveyCluster } from './survey.ts';
import { readTls, type TlsFiles, type TlsMaterial } from './tls.ts';

export interface ClusterSettings {
  readonly endpoints: readonly string[];
  /** For https endpoints. */
  readonly tls: TlsFiles;
  readonly auth: { readonly username: string; readonly readPassword: () => string } | null;
  /** For every single call; snapshots have no limit. */
  readonly requestTimeoutMs: number;
}

interface Limits {
  readonly signal: AbortSignal;
}

/** Connects to nothing yet. Files and the password are read at every use, so they may rotate. */
export function connectCluster(settings: ClusterSettings): Cluster {
  const withEndpoints = <T>(
    { signal }: Limits,
    work: (open: (url: string) => Endpoint) => Promise<T>,
  ): Promise<T> => useEndpoints(settings, signal, work);
  return {
    survey: (options) =>
      withEndpoints(options, async (open) => {
        const survey = surveyCluster({ configured: settings.endpoints, open });
        return survey.finally(() => options.signal.throwIfAborted());
      }),
    confirmedRevision: (member, options) =>
      withEndpoints(options, (open) => open(endpointOf(member)).confirmedRevision()),
    snapshot: (member, options) => snapshot(settings, member, options),
    hashKv: (member, at, options) =>
      withLimit(forHash(settings), options.signal, async (signal) =>
        askHashKv(await caller(settings, member, signal), at),
      ),
    async [Symbol.asyncDispose]() {
      // Nothing stays open between calls.
    },
  };
}

export async function useEndpoints<T>(
  settings: ClusterSettings,
  signal: AbortSignal,
  work: (open: (url: string) => Endpoint) => Promise<T>,
): Promise<T> {
  // Its package is slow to load, and whoever talks to no etcd does without: a restore, a list.
  const etcd3 = await import('./etcd3/endpoint.ts');
  using opened = new DisposableStack();
  return await work((url) =>
    opened.use(
      new etcd3.Endpoint({
        url,
        tls: tlsFor(url, settings),
        user: userOf(settings),
        limitMs: settings.requestTimeoutMs,
        signal,
      }),
    ),
  );
}

async function* snapshot(
  settings: ClusterSettings,
  member: Member,
  { signal }: Limits,
): ReturnType<Cluster['snapshot']> & AsyncGenerator {
  const called = await withLimit(settings, signal, (limited) => caller(settings, member, limited));
  yield* streamSnapshot({ ...called, signal });
}

/** A fresh token for every call: simple tokens expire, and die with the member that gave them. */
async function caller(
  settings: ClusterSettings,
  member: Member,
  signal: AbortSignal,
): Promise<Caller> {
  const endpoint = endpointOf(member);
  const tls = tlsFor(endpoint, settings);
  const user = userOf(settings);
  const token = user && (await askToken({ endpoint, tls, signal }, user));
  return { endpoint, tls, signal, token };
}

/** A member reads its whole database for its hash: some seconds for each GiB. */
const hashPatience = 12;

function forHash({ requestTimeoutMs }: ClusterSettings): Limit {
  return { requestTimeoutMs: requestTimeoutMs * hashPatience };
}

type Limit = Pick<ClusterSettings, 'requestTimeoutMs'>;

export async function withLimit<T>(
  settings: Limit,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.timeout(settings.requestTimeoutMs);
  try {
    return await work(AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted) throw toFailure(error);
    throw new Failure('timed-out', `no answer in ${settings.requestTimeoutMs} ms`, {
      cause: error,
    });
  }
}

export function userOf({
  auth,
}: ClusterSettings): { username: string; password: string } | undefined {
  return auth === null ? undefined : { username: auth.username, password: auth.readPassword() };
}

export function tlsFor(url: string, settings: ClusterSettings): TlsMaterial | undefined {
  return url.startsWith('https:') ? readTls(settings.tls) : undefined;
}

export function endpointOf(member: Member): string {
  if (member.endpoint !== undefined) return member.endpoint;
  throw new Failure('cluster-unreachable', `member ${member.name || member.id} has no client URL`);
}
