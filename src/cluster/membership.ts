/** Changes of membership, through the package etcd3. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../core/errors.ts';
import { type ClusterSettings, endpointOf, useEndpoints } from './connect.ts';
import type { Asked, Membership } from './membership-port.ts';

/** etcd adds nobody until its voters have been connected to each other for five seconds. */
const settleMs = 8000;
const pauseMs = 500;

/** Connects to nothing yet. Files and the password are read at every use, so they may rotate. */
export function connectMembership(settings: ClusterSettings): Membership {
  return {
    remove: (id, { via, signal }) =>
      useEndpoints(settings, signal, (open) => open(endpointOf(via)).removeMember(id)),
    add: (wanted, asked) =>
      whenSettled(asked, () =>
        useEndpoints(settings, asked.signal, (open) =>
          open(endpointOf(asked.via)).addMember(wanted),
        ),
      ),
  };
}

/** A refusal by etcd has changed nothing, so that asking again cannot add a member twice. */
async function whenSettled<T>({ signal }: Asked, ask: () => Promise<T>): Promise<T> {
  const end = performance.now() + settleMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const refused = error instanceof Failure && error.code === 'quorum-at-risk';
      if (!refused || performance.now() > end) throw error;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
