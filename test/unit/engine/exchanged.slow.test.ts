/** Data and manifests that somebody without a key moved about in a store. */
import { describe, expect, test } from 'vitest';
import type { BackupId } from '../../../src/core/backup.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { encodeManifest } from '../../../src/core/manifest-json.ts';
import { composeBackupId, dataName, manifestName } from '../../../src/core/names.ts';
import type { EngineDeps } from '../../../src/engine/deps.ts';
import { parseIdentities } from '../../../src/stream/age-keys.ts';
import { putBytes, readBytes } from '../../contract/store-bodies.ts';
import { keyPair, signing, trusting } from '../../support/signing.ts';
import { endOf, manifestOf, overwrite, type RoadName, roadNames } from './trust-roads.ts';
import { openWorkshop, signal, type Workshop } from './workshop.ts';

const identities = parseIdentities(
  'AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0',
  'a test',
);
const recipients = identities.map(({ publicBytes }) => publicBytes);
const plain = {};
const signed = { trust: signing(keyPair()) };
const encrypted: Partial<EngineDeps> = {
  seal: { codec: 'none', level: null, recipients },
  identities: () => identities,
};
const kinds = [
  { kind: 'plain', deps: plain },
  { kind: 'signed', deps: signed },
  { kind: 'encrypted', deps: encrypted },
] as const;

const readers = roadNames.filter((name) => name !== 'plan');
const openers = readers.filter((name) => name !== 'verify');

/** Two backups whose databases have one size and other content. */
async function two(deps: Partial<EngineDeps>) {
  const work = openWorkshop({ deps, stores: ['memory'] });
  const first = await work.backup();
  work.pass(1000);
  work.cluster.write({ put: '/key/1', value: 'y '.repeat(500) });
  const second = await work.backup();
  const manifests = [await manifestOf(work, first.id), await manifestOf(work, second.id)] as const;
  expect(manifests[0].sealed.sizeBytes).toBe(manifests[1].sealed.sizeBytes);
  expect(manifests[0].sealed.sha256).not.toBe(manifests[1].sealed.sha256);
  const dispose = () => work[Symbol.asyncDispose]();
  return { work, manifests, [Symbol.asyncDispose]: dispose };
}

/** Each of the two gets the data of the other. */
async function swapData(work: Workshop, [first, second]: readonly [Manifest, Manifest]) {
  const store = work.store('memory');
  const [one, other] = [first, second].map((manifest) => readBytes(store, manifest.sealed.object));
  const bytes = [await one!, await other!] as const;
  await putBytes(store, first.sealed.object, bytes[1]);
  await putBytes(store, second.sealed.object, bytes[0]);
}

/** And each manifest tells of that data as if it were its own. */
async function swapSeals(work: Workshop, [first, second]: readonly [Manifest, Manifest]) {
  const object = ({ sealed }: Manifest) => ({ object: sealed.object });
  await overwrite(work, first.id, (one) => {
    return { ...one, sealed: { ...second.sealed, ...object(one) } };
  });
  await overwrite(work, second.id, (one) => {
    return { ...one, sealed: { ...first.sealed, ...object(one) } };
  });
}

async function endsOf(work: Workshop, ids: readonly BackupId[], names: readonly RoadName[]) {
  const ends: Record<string, string[]> = {};
  for (const name of names) {
    ends[name] = [];
    for (const id of ids) ends[name].push(await endOf(name, work, id));
  }
  return ends;
}

/** The same end for both backups, on each of the roads. */
function all(names: readonly RoadName[], code: string): Record<string, string[]> {
  return Object.fromEntries(names.map((name) => [name, [code, code]]));
}

describe.concurrent('the data of two backups of one size, exchanged', () => {
  test.for(kinds)('is refused on every road: $kind', async ({ deps }) => {
    await using made = await two(deps);
    const { work, manifests } = made;
    await swapData(work, manifests);

    const ends = await endsOf(
      work,
      manifests.map(({ id }) => id),
      readers,
    );

    // Encrypted, the head of the other data gives it away before its digest does.
    const code = deps === encrypted ? 'backup-untrusted' : 'object-damaged';
    expect(ends).toEqual({ ...all(openers, code), verify: ['object-damaged', 'object-damaged'] });
  });

  test.for(kinds)(
    'is refused with manifests to match, wherever it is opened: $kind',
    async ({ deps }) => {
      await using made = await two(deps);
      const { work, manifests } = made;
      await swapData(work, manifests);
      await swapSeals(work, manifests);

      const ends = await endsOf(
        work,
        manifests.map(({ id }) => id),
        openers,
      );

      // Where nobody vouches, it takes the whole file to see that another database was proved.
      const code = deps === plain ? 'object-damaged' : 'backup-untrusted';
      expect(ends).toEqual(all(openers, code));
    },
  );
});

describe.concurrent('a manifest of encrypted data', () => {
  const another: Partial<Manifest> = { host: 'another' };

  test.for(openers)('is refused when it was changed or has lost its MAC: %s', async (road) => {
    await using work = openWorkshop({ deps: encrypted, stores: ['memory'] });
    const { id } = await work.backup();
    expect(await endOf(road, work, id)).toBe('opened');
    const right = await manifestOf(work, id);

    await overwrite(work, id, (manifest) => ({ ...manifest, ...another }));
    expect(await endOf(road, work, id)).toBe('backup-untrusted');
    await overwrite(work, id, ({ authentication: _, ...manifest }) => manifest);
    expect(await endOf(road, work, id)).toBe('backup-untrusted');

    const anyway = { trust: { ...trusting(), acceptsUnsigned: true } };
    expect(await endOf(road, work, id, anyway)).toBe('opened');
    await overwrite(work, id, () => right);
    expect(await endOf(road, work, id)).toBe('opened');
    expect(work.spooled()).toEqual([]);
  });

  test.for(['restore', 'extract'] as const)(
    'is passed over for the copy of another store that fits: %s',
    async (road) => {
      await using work = openWorkshop({ deps: encrypted });
      const { id } = await work.backup();

      await overwrite(work, id, (one) => ({ ...one, ...another }), work.deps.shelves.slice(0, 1));

      expect(await endOf(road, work, id)).toBe('opened');
    },
  );

  test('is verified without a key, and fits its data all the same', async () => {
    await using work = openWorkshop({ deps: encrypted, stores: ['memory'] });
    const { id } = await work.backup();

    expect(await endOf('verify', work, id, { identities: () => [] })).toBe('opened');

    expect(await endOf('verify --deep', work, id)).toBe('opened');
  });

  test('has both a MAC and a signature where both are wanted', async () => {
    await using work = openWorkshop({ deps: { ...encrypted, ...signed }, stores: ['memory'] });
    const { id } = await work.backup();

    const { authentication } = await manifestOf(work, id);

    expect(authentication?.mac).toMatch(/^[0-9a-f]{64}$/);
    expect(authentication?.signature?.scheme).toBe('ed25519');
    expect(await endOf('drill', work, id)).toBe('opened');
  });
});

describe.concurrent("another cluster's backup under this cluster's prefix", () => {
  /** The backup of a stranger, copied to where ours are; `edit` sees its manifest. */
  async function copied(
    deps: Partial<EngineDeps>,
    work: Workshop,
    edit: (manifest: Manifest) => Manifest = (manifest) => manifest,
  ) {
    await using other = openWorkshop({ deps, stores: ['memory'] });
    const { id } = await other.backup();
    const manifest = await manifestOf(other, id);
    const bytes = await readBytes(other.store('memory'), manifest.sealed.object);
    const object = manifest.sealed.object.replace(other.cluster.id, work.cluster.id);
    await putBytes(work.store('memory'), object, bytes);
    const moved = edit({ ...manifest, sealed: { ...manifest.sealed, object } });
    await putBytes(work.store('memory'), manifestName(work.cluster.id, id), encodeManifest(moved));
    return { id, stranger: other.cluster.id };
  }

  test.for(kinds)(
    'is a fault of the listing, found by nobody, and refused: $kind',
    async ({ deps }) => {
      await using work = openWorkshop({ deps, stores: ['memory'] });
      const { id, stranger } = await copied(deps, work);

      const { backups, faults } = await work.catalog('memory').backups({ signal });

      expect(backups).toEqual([]);
      expect(faults).toMatchObject([{ failure: { code: 'manifest-invalid' } }]);
      expect(faults[0]?.failure.message).toContain(`it says cluster ${stranger}`);
      await expect(work.catalog('memory').find(id, { signal })).rejects.toThrow('it says cluster');
      for (const road of roadNames) expect(await endOf(road, work, id)).toBe('manifest-invalid');
    },
  );

  test.for(kinds.slice(1))(
    'is refused when its manifest was made to fit: $kind',
    async ({ deps }) => {
      await using work = openWorkshop({ deps, stores: ['memory'] });
      const cluster = { id: work.cluster.id, name: 'test' };

      // Both clusters use one key: it is the cluster id that somebody vouched for.
      const { id } = await copied(deps, work, (manifest) => ({ ...manifest, cluster }));

      for (const road of openers) expect(await endOf(road, work, id)).toBe('backup-untrusted');
    },
  );

  test('is no backup of ours under another of our ids either', async () => {
    await using work = openWorkshop({ deps: signed, stores: ['memory'] });
    const { id } = await work.backup();
    const right = await manifestOf(work, id);
    const renamed = composeBackupId(right.startedAt, right.revision, 'copy');
    const object = dataName(work.cluster.id, renamed);
    const store = work.store('memory');
    await putBytes(store, object, await readBytes(store, right.sealed.object));
    const manifest = { ...right, id: renamed, sealed: { ...right.sealed, object } };
    await putBytes(store, manifestName(work.cluster.id, renamed), encodeManifest(manifest));

    for (const road of roadNames) {
      expect(await endOf(road, work, renamed)).toBe('backup-untrusted');
    }
  });
});
