/** Every request of the S3 store, each met by every fault on the way, on a real server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/port.ts';
import { s3Store } from '../../src/store/s3/store.ts';
import {
  bodyOf,
  bytesOf,
  farFuture,
  named,
  namesIn,
  readBytes,
  signal,
} from '../contract/store-bodies.ts';
import { type Ceph, type CephKeys, cephHere, startCeph } from '../support/ceph.ts';
import { type Fault, type FaultProxy, startProxy } from '../support/proxy.ts';
import { makeBucket, openUploads, s3Options } from '../support/s3.ts';

const { packages, skip } = await cephHere('sid');
const mib = 1024 * 1024;
const name = named('0123456789abcdef/object.db');
const large = bytesOf(11 * mib, 1);
const small = large.subarray(0, 60_000);
const stallMs = 400;

/** One place, seen through the proxy and directly. */
interface Road extends AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly store: Store;
  readonly direct: Store;
  readonly prefix: string;
}

interface Stage {
  readonly stage: string;
  /** How only the request of this stage begins. */
  readonly request: RegExp;
  readonly bytesPerSecond: number;
  readonly call: (store: Store) => Promise<unknown>;
  /** What the call gives when it ends well. */
  readonly good: unknown;
}

const compared = { compared: 'checksum' };
const putLarge = (store: Store) => store.put(name, bodyOf(large), { signal });
// What the kernel has taken on this side of the proxy nobody sees moving: it has to be through well
// before the stall, on a machine with other work too.
const puts: readonly Stage[] = [
  { stage: 'begins an upload', request: /^POST \S+[?&]uploads/, bytesPerSecond: 12 * mib },
  { stage: 'sends a part', request: /^PUT \S+partNumber=2&/, bytesPerSecond: 12 * mib },
  { stage: 'completes an upload', request: /^POST \S+uploadId=/, bytesPerSecond: 4_000 },
].map((row) => ({ ...row, call: putLarge, good: compared }));
const others: readonly Stage[] = [
  {
    stage: 'puts in one request',
    request: /^PUT /,
    bytesPerSecond: 60_000,
    call: (store) => store.put(name, bodyOf(small), { signal }),
    good: compared,
  },
  {
    stage: 'reads',
    request: /^GET \S+kept/,
    bytesPerSecond: 60_000,
    call: async (store) => (await readBytes(store, named('kept/a'))).equals(small),
    good: true,
  },
  {
    stage: 'looks',
    request: /^HEAD /,
    bytesPerSecond: 500,
    call: async (store) => (await store.stat(named('kept/a'), { signal })).sizeBytes,
    good: small.byteLength,
  },
  {
    stage: 'lists',
    request: /^GET \S+list-type=2/,
    bytesPerSecond: 1_000,
    call: (store) => namesIn(store, 'kept/'),
    good: ['kept/a'],
  },
  {
    stage: 'removes',
    request: /^DELETE /,
    bytesPerSecond: 500,
    call: (store) => store.remove(named('none'), { signal }),
    good: undefined,
  },
  {
    stage: 'lists uploads',
    request: /^GET \S+[?&]uploads/,
    bytesPerSecond: 1_000,
    call: (store) => store.sweep(new Date(0), { signal }),
    good: 0,
  },
];
const halfAnswer: Fault = { kind: 'cut', direction: 'to-client', afterBytes: 40 };
const lasting: readonly { readonly how: string; readonly fault: Fault; readonly words: RegExp }[] =
  [
    { how: 'is reset', fault: { kind: 'reset' }, words: /broke off/ },
    { how: 'stalls', fault: { kind: 'silence' }, words: /does not answer/ },
    { how: 'ends in half an answer', fault: halfAnswer, words: /broke off|does not answer/ },
  ];
const cross = <A, B>(some: readonly A[], more: readonly B[]): (A & B)[] =>
  some.flatMap((one) => more.map((other) => ({ ...one, ...other })));

describe.skipIf(skip !== undefined)(`the way to a bucket${skip ? ` (${skip})` : ''}`, () => {
  let ceph: Ceph;
  let keys: CephKeys;
  beforeAll(async () => {
    if (packages === undefined) return;
    ceph = await startCeph(packages);
    keys = await ceph.user('backup');
    await makeBucket(ceph.url, keys);
  });
  afterAll(() => ceph?.[Symbol.asyncDispose]());

  async function openRoad(): Promise<Road> {
    const opened = new AsyncDisposableStack();
    const proxy = opened.use(await startProxy(ceph.url));
    const options = s3Options(proxy.url, keys, { stallTimeoutMs: stallMs, concurrency: 1 });
    const store = opened.use(s3Store(options));
    const patient = { ...options, endpoint: ceph.url, stallTimeoutMs: 10_000 };
    const direct = opened.use(s3Store(patient));
    await direct.put(named('kept/a'), bodyOf(small), { signal });
    const { prefix } = options;
    return { proxy, store, direct, prefix, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  }

  /** What is listed is whole, and one cycle leaves no upload. */
  async function expectNothingTorn({ direct, prefix }: Road): Promise<void> {
    for (const listed of await namesIn(direct)) {
      const read = await readBytes(direct, listed);
      const whole = listed === name ? [large, small] : [small];
      expect(whole.some((bytes) => bytes.equals(read))).toBe(true);
    }
    await direct.sweep(farFuture, { signal });
    expect(await openUploads(ceph.url, keys, prefix)).toEqual([]);
  }

  describe('that fails for good', () => {
    test.concurrent.each(cross([...puts, ...others], lasting))(
      'leaves nothing torn where it $stage and $how',
      async ({ request, call, fault, words }) => {
        await using road = await openRoad();
        void road.proxy.injectBehind(request, fault);

        await expect(call(road.store)).rejects.toMatchObject({
          code: 'store-failed',
          message: expect.stringMatching(words),
        });

        road.proxy.inject({ kind: 'pass' });
        await expectNothingTorn(road);
      },
    );
  });

  describe('that fails for a moment', () => {
    test.concurrent.each(cross([...puts, ...others], lasting))(
      'is survived where it $stage and $how',
      async ({ request, call, good, fault }) => {
        await using road = await openRoad();
        const begun = road.proxy.injectBehind(request, fault);

        const ended = call(road.store);
        await begun;
        await sleep(100);
        road.proxy.inject({ kind: 'pass' });

        expect(await ended).toEqual(good);
        await expectNothingTorn(road);
      },
    );
  });

  test.concurrent.each([...puts, ...others])(
    'may trickle where it $stage',
    async ({ request, call, good, bytesPerSecond }) => {
      await using road = await openRoad();
      void road.proxy.injectBehind(request, { kind: 'trickle', bytesPerSecond });

      expect(await call(road.store)).toEqual(good);

      road.proxy.inject({ kind: 'pass' });
      await expectNothingTorn(road);
    },
  );
});
