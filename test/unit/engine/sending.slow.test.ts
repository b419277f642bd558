/** Stores take a snapshot while it is drained, and show nothing of it before it is proved. */
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { EngineDeps } from '../../../src/engine/deps.ts';
import type { Body, Store } from '../../../src/store/port.ts';
import { namesIn } from '../../contract/store-bodies.ts';
import { openWorkshop, signal, type Workshop } from './workshop.ts';

const packed: EngineDeps['seal'] = { codec: 'zstd', level: null, recipients: [] };
const rules = [undefined, packed].map((seal) => ({ codec: seal?.codec ?? 'none', seal }));

/** The workshop's store, telling how many bytes of data it has taken. */
function counting(work: Workshop, name: string) {
  const store = work.store(name);
  const taken = { bytes: 0, ended: 0 };
  const counted = (body: Body): Body => ({
    ...body,
    open: async function* () {
      try {
        for await (const chunk of body.open()) {
          taken.bytes += chunk.byteLength;
          yield chunk;
        }
      } finally {
        taken.ended += 1;
      }
    },
  });
  const put: Store['put'] = (object, body, options) => {
    return store.put(object, object.endsWith('.json') ? body : counted(body), options);
  };
  const proxy = new Proxy(store, {
    get: (target, key) => {
      if (key === 'put') return put;
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { taken, shelves: [{ store: proxy as Store, retention: {} }] };
}

/** The workshop's cluster, with something to be waited for before the end of a snapshot. */
function holding({ cluster }: Workshop, until: () => Promise<void>): EngineDeps['cluster'] {
  const snapshot: EngineDeps['cluster']['snapshot'] = async function* (member, options) {
    for await (const message of cluster.snapshot(member, options)) {
      if (message.remainingBytes === 0) await until();
      yield message;
    }
  };
  return new Proxy(cluster, {
    get: (target, key) => {
      if (key === 'snapshot') return snapshot;
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function fill(work: Workshop): void {
  for (let at = 0; at < 12; at += 1) {
    // Nothing that gzip or zstd would make small.
    const noise = randomBytes(768 * 1024).toString('base64');
    work.cluster.write({ put: `/large/${at}`, value: noise });
  }
}

describe.concurrent.for(rules)('a snapshot sealed with $codec', ({ seal }) => {
  const sealing = seal === undefined ? {} : { seal };

  test('is on its way into the stores before all of it was drained', async () => {
    await using work = openWorkshop({ members: 1, stores: ['memory'], deps: sealing });
    fill(work);
    const { taken, shelves } = counting(work, 'memory');
    // The end of the stream waits for the store: without a way there it would never come.
    const cluster = holding(work, async () => {
      while (taken.bytes === 0) await turn();
    });

    const { result } = await work.backup({}, signal, { shelves, cluster });

    expect(result).toBe('success');
    expect(taken.bytes).toBeGreaterThan(8 * 1024 * 1024);
  });

  test('is in no store before it is proved', async () => {
    await using work = openWorkshop({ members: 1, stores: ['memory'], deps: sealing });
    const { taken, shelves } = counting(work, 'memory');
    const { cluster } = work;
    let before: readonly string[] | undefined;
    const prove: EngineDeps['prove'] = (file) => {
      const prover = work.deps.prove(file);
      return {
        ...prover,
        finish: async (sizeBytes) => {
          // All of it was taken: nothing but the proof is waited for.
          while (taken.ended === 0) await turn();
          before = await namesIn(work.store('memory'));
          return prover.finish(sizeBytes);
        },
        advance: (sizeBytes) => prover.advance(sizeBytes),
        hashKv: (at) => prover.hashKv(at),
        [Symbol.asyncDispose]: () => prover[Symbol.asyncDispose](),
      };
    };

    const { id } = await work.backup({}, signal, { shelves, prove });

    expect(before).toEqual([]);
    expect(await namesIn(work.store('memory'))).toHaveLength(2);
    expect(id).toContain(cluster.newest.toString());
  });

  test('that turns out to be unsound leaves nothing in any store', async () => {
    await using work = openWorkshop({ members: 1, deps: sealing });
    for (const member of work.cluster.members) member.stream = { kind: 'unsound' };

    await expect(work.backup()).rejects.toMatchObject({ code: 'snapshot-corrupt' });

    for (const name of ['memory', 'disk']) expect(await namesIn(work.store(name))).toEqual([]);
    expect(work.spooled()).toEqual([]);
  });
});

describe.concurrent('a drain that breaks off', () => {
  test('begins anew with the next member, for the stores too', async () => {
    await using work = openWorkshop();
    work.cluster.member('m2').stream = { kind: 'breaks', afterBytes: 40_000 };

    const { id, result } = await work.backup();

    expect(result).toBe('success');
    for (const name of ['memory', 'disk']) {
      const [manifest] = await work.listed(name);
      expect(manifest).toMatchObject({ id, source: { name: 'm3' } });
      expect(await namesIn(work.store(name))).toHaveLength(2);
    }
    expect(work.spooled()).toEqual([]);
  });

  test('is told as what it is, not as what the stores made of it', async () => {
    await using work = openWorkshop({ members: 1 });
    const failure = new Failure('cluster-permission', 'the user lacks the role root');
    for (const member of work.cluster.members) member.stream = { kind: 'refused', failure };

    await expect(work.backup()).rejects.toBe(failure);

    expect(work.of('backup-not-stored')).toEqual([]);
  });
});
