/** The two roads on which a member is asked: our own door, and the package etcd3. */
import type { DoorCall } from '../../../src/cluster/door/call.ts';
import { askHashKv } from '../../../src/cluster/door/maintenance.ts';
import { Endpoint } from '../../../src/cluster/etcd3/endpoint.ts';
import type { TlsMaterial } from '../../../src/cluster/tls.ts';
import { revision } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';

/** Far beyond what an answer takes here: nothing waits for ever, and nothing comes too late. */
export const limitMs = 15_000;

export function doorCall(endpoint: string, changes: Partial<DoorCall> = {}): DoorCall {
  return {
    endpoint,
    tls: undefined,
    method: '/etcdserverpb.Maintenance/HashKV',
    request: new Uint8Array(),
    token: undefined,
    signal: AbortSignal.timeout(limitMs),
    ...changes,
  };
}

export function endpointAt(
  url: string,
  changes: Partial<ConstructorParameters<typeof Endpoint>[0]> = {},
): Endpoint {
  const signal = new AbortController().signal;
  return new Endpoint({ url, tls: undefined, user: undefined, limitMs, signal, ...changes });
}

export type Road = (url: string, tls?: TlsMaterial) => Promise<unknown>;

export const roads: Readonly<Record<'our door' | 'etcd3', Road>> = {
  'our door': (url, tls) => askHashKv(doorCall(url, { tls }), revision(7n)),
  etcd3: async (url, tls) => {
    using endpoint = endpointAt(url, { tls });
    return await endpoint.status();
  },
};

export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  if (thrown instanceof Failure) return thrown;
  throw new Error(`no Failure: ${thrown}`, { cause: thrown });
}
