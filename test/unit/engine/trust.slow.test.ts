/** Backups that somebody vouches for, and what becomes of those that nobody does. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { signatureFault } from '../../../src/core/manifest-core.ts';
import { checkEverything } from '../../../src/engine/check.ts';
import { holdBackup } from '../../../src/engine/hold.ts';
import { planRestore } from '../../../src/engine/plan-restore.ts';
import { trySignature } from '../../../src/engine/trust.ts';
import { keyPair, signing, trusting } from '../../support/signing.ts';
import { endOf, manifestOf, overwrite, type RoadName, roadNames } from './trust-roads.ts';
import { openWorkshop, signal } from './workshop.ts';

const mine = keyPair();
const other = keyPair();
const signed = { trust: signing(mine) };
const nobody = { trust: trusting() };
const anyway = { trust: { ...signing(mine), acceptsUnsigned: true } };

const changed = (manifest: Manifest): Manifest => ({ ...manifest, host: 'another' });
const stripped = ({ authentication: _, ...manifest }: Manifest): Manifest => manifest;

describe.concurrent.for(roadNames)('who opens a backup by %s', (road: RoadName) => {
  test('is let through where the trusted key signed it, and where no key is asked for', async () => {
    await using work = openWorkshop({ deps: signed });
    const { id } = await work.backup();
    const rotated = { trust: trusting(other, mine) };

    expect(await endOf(road, work, id)).toBe('opened');
    expect(await endOf(road, work, id, rotated)).toBe('opened');
    expect(await endOf(road, work, id, nobody)).toBe('opened');
  });

  test.for([
    { what: 'changed', edit: changed, by: signed },
    { what: 'unsigned', edit: stripped, by: signed },
    { what: "another key's", edit: (one: Manifest) => one, by: { trust: signing(other) } },
  ])('is refused when it is $what, unless somebody says so', async ({ edit, by }) => {
    await using work = openWorkshop({ deps: by });
    const { id } = await work.backup();
    await overwrite(work, id, edit);
    const before = await manifestOf(work, id);

    expect(await endOf(road, work, id, signed)).toBe('backup-untrusted');
    expect(await manifestOf(work, id)).toEqual(before);
    expect(existsSync(join(work.dir, 'data'))).toBe(false);
    expect(await endOf(road, work, id, anyway)).toBe('opened');
  });
});

describe.concurrent('a signed backup', () => {
  test('is signed alike in every store, and stays so when it is held, verified, drilled', async () => {
    await using work = openWorkshop({ deps: signed });
    const { id } = await work.backup();
    const copies = await Promise.all(
      ['memory', 'disk'].map((store) => work.catalog(store).find(id, { signal })),
    );
    expect(copies[0]?.authentication).toEqual(copies[1]?.authentication);

    for (const store of ['memory', 'disk']) {
      await holdBackup(work.catalog(store), id, 'why', work.deps, { signal });
    }
    expect(await endOf('verify', work, id, nobody)).toBe('opened');
    expect(await endOf('drill', work, id, nobody)).toBe('opened');

    const now = await manifestOf(work, id);
    expect(now).toMatchObject({ hold: { reason: 'why' }, proofs: { restored: {} } });
    expect(signatureFault(now, [mine.trusted])).toBeUndefined();
  });

  test('is taken from the store whose copy nobody has changed', async () => {
    await using work = openWorkshop({ deps: signed });
    const { id } = await work.backup();
    const [first, second] = work.deps.shelves;
    await overwrite(work, id, changed, [first!]);
    const plan = { initialCluster: null, initialClusterToken: null, fallback: false };
    const wanted = { backup: id, before: null, store: null, cluster: null };
    const restore = { roots: [], before: [], after: [], hookLimitMs: 1000 };

    const found = await planRestore(wanted, plan, { ...work.deps, restore }, signal);

    expect(found.store).toBe(second!.store.name);
  });

  test('is not begun where the key cannot be read', async () => {
    const lost = new Failure('config-invalid', 'signing.pem does not exist');
    const signer = () => {
      throw lost;
    };
    await using work = openWorkshop({ deps: { trust: { ...trusting(mine), signer } } });

    await expect(work.backup()).rejects.toBe(lost);
    expect(work.cluster.calls).toEqual([]);
  });
});

describe.concurrent('the latest backup', () => {
  const restore = { roots: [], before: [], after: [], hookLimitMs: 1000 };
  const asked = { initialCluster: null, initialClusterToken: null, fallback: false };
  const latest = { backup: 'latest' as const, before: null, store: null, cluster: null };

  test('is never silently an older one when the newest is not trusted', async () => {
    await using work = openWorkshop({ deps: signed, stores: ['disk'] });
    const older = await work.backup();
    work.pass(1000);
    const forged = await work.place({ revision: work.cluster.newest });
    const deps = { ...work.deps, restore };

    const refused = await planRestore(latest, asked, deps, signal).catch((error) => error);
    const fallen = await planRestore(latest, { ...asked, fallback: true }, deps, signal);
    const taken = await planRestore(latest, asked, { ...deps, ...anyway }, signal);

    expect(refused).toMatchObject({
      code: 'backup-untrusted',
      message: expect.stringContaining(`the newest backup is ${forged.id}, and the manifest of`),
      hint: expect.stringContaining('--accept-unsigned'),
    });
    expect(fallen.manifest.id).toBe(older.id);
    expect(fallen.passedOver).toMatchObject([
      { backup: forged.id, failure: { code: 'backup-untrusted' } },
    ]);
    expect(taken.manifest.id).toBe(forged.id);
  });

  test('is not held up by another cluster that signs with its own key', async () => {
    await using work = openWorkshop({ deps: signed });
    const { id } = await work.backup();
    work.pass(1000);
    const owner = '00000000000000ff' as never;
    await work.place({ cluster: { id: owner, name: 'elsewhere' } }, owner);

    const plan = await planRestore(latest, asked, { ...work.deps, restore }, signal);

    expect(plan.manifest.id).toBe(id);
  });
});

describe.concurrent('a check', () => {
  async function found(trust: typeof signed.trust) {
    await using work = openWorkshop({ deps: { trust } });
    const { results } = await checkEverything(work.deps, { signal });
    return results.find(({ subject }) => subject === 'signature');
  }

  test('signs and finds it right, and names the keys', async () => {
    const also = { ...signing(mine), keys: () => [other.trusted, mine.trusted, mine.trusted] };

    expect(await found(signed.trust)).toEqual({
      subject: 'signature',
      detail: `signed by ${mine.secret.fingerprint}, and found right`,
      failure: undefined,
    });
    expect((await found(also))?.detail).toMatch(`trusted too: ${other.trusted.fingerprint}`);
  });

  test('says nothing where nothing is signed and no signature is asked for', async () => {
    expect(await found(trusting())).toBeUndefined();
  });

  test('fails where what is backed up would be refused', async () => {
    const failure = (await found(trusting(mine)))?.failure;

    expect(failure).toMatchObject({ code: 'config-invalid' });
    expect(failure?.hint).toContain('Set seal.signingKeyFile');
  });

  test('fails where the key that signs is not the trusted one of its name', () => {
    const keys = () => [{ ...other.trusted, fingerprint: mine.trusted.fingerprint }];

    expect(() => trySignature({ ...signing(mine), keys })).toThrow(/is not trusted/);
  });
});
