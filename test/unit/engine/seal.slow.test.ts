/** Sealed backups: made once for all stores, and opened on the way back. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { recipientText } from '../../../src/core/age-text.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { composeBackupId, dataName, type SealSuffix } from '../../../src/core/names.ts';
import { checkEverything } from '../../../src/engine/check.ts';
import type { EngineDeps } from '../../../src/engine/deps.ts';
import { type Verified, verifyBackup } from '../../../src/engine/verify.ts';
import type { SpoolFile } from '../../../src/spool/file.ts';
import { decryptAge, encryptAge } from '../../../src/stream/age.ts';
import { parseIdentities } from '../../../src/stream/age-keys.ts';
import { decompress } from '../../../src/stream/compress.ts';
import { named, putBytes, readBytes } from '../../contract/store-bodies.ts';
import { all, lent } from '../stream/bytes.ts';
import { openWorkshop, signal, type Workshop } from './workshop.ts';

const identity = identityOf(
  'AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0',
);
const stranger = identityOf(
  'AGE-SECRET-KEY-1XSNHH4TTAN9S0G2CKXKDN6XVUU2M02AX8CZAMG8UGDCC923U78UQZXL2WV',
);
const to = [identity.publicBytes];
const recipient = recipientText(identity.publicBytes);

function identityOf(key: string) {
  const [found] = parseIdentities(key, 'a test');
  if (found === undefined) throw new Error('no identity');
  return found;
}

type Rules = EngineDeps['seal'];
type Kind = Rules & { readonly suffix: SealSuffix };
const kinds: readonly [Kind, Kind, Kind, Kind] = [
  { codec: 'gzip', level: 1, recipients: [], suffix: '.gz' },
  { codec: 'zstd', level: null, recipients: [], suffix: '.zst' },
  { codec: 'none', level: null, recipients: to, suffix: '.age' },
  { codec: 'zstd', level: 19, recipients: to, suffix: '.zst.age' },
];
const [, packed, , both] = kinds;

function sealing(seal: Rules, identities: EngineDeps['identities'] = () => [identity]): Workshop {
  return openWorkshop({ deps: { seal, identities } });
}

async function newest(work: Workshop): Promise<Manifest> {
  const manifest = (await work.listed('memory')).at(-1);
  if (manifest === undefined) throw new Error('there is no backup');
  return manifest;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function verify(work: Workshop, id: Manifest['id'], deep = true): Promise<Verified> {
  return verifyBackup(work.catalog('memory'), id, work.deps, { deep, signal });
}

/** For who said that nobody has to vouch for it: all other checks are there all the same. */
function verifyAnyway(work: Workshop, id: Manifest['id']): Promise<Verified> {
  const deps = { ...work.deps, trust: { ...work.deps.trust, acceptsUnsigned: true } };
  return verifyBackup(work.catalog('memory'), id, deps, { deep: true, signal });
}

/** Somebody who can write to the store, and has no key, puts other bytes under a new name. */
async function forge(work: Workshop, bytes: Uint8Array): Promise<Manifest['id']> {
  const manifest = await newest(work);
  const id = composeBackupId(manifest.startedAt, manifest.revision, 'fake');
  const object = manifest.sealed.object.replace(
    manifest.id.replace(/-r\d+/, ''),
    id.replace(/-r\d+/, ''),
  );
  const sealed = { ...manifest.sealed, object, sizeBytes: bytes.length, sha256: sha256(bytes) };
  await putBytes(work.store('memory'), object, bytes);
  await work.catalog('memory').commit({ ...manifest, id, sealed }, { signal });
  return id;
}

describe.concurrent.for(kinds)('a backup sealed as $suffix', ({ suffix, ...rules }) => {
  test('is the same in every store, and opens to what was proved', async () => {
    await using work = sealing(rules);

    const { id, result } = await work.backup();

    expect(result).toBe('success');
    const name = dataName(work.cluster.id, id, suffix);
    const copies = await Promise.all(work.deps.shelves.map(({ store }) => readBytes(store, name)));
    const [bytes = Buffer.alloc(0), other] = copies;
    expect(other?.equals(bytes)).toBe(true);
    const { sealed, raw } = await newest(work);
    expect(sealed).toEqual({
      object: name,
      sizeBytes: bytes.length,
      sha256: sha256(bytes),
      codec: rules.codec,
      encryption: rules.recipients.length === 0 ? null : { scheme: 'age', recipients: [recipient] },
    });
    const open = rules.recipients.length === 0 ? lent(bytes) : decryptAge(lent(bytes), [identity]);
    const plain = await all(decompress(open, rules.codec));
    expect(plain).toHaveLength(raw.sizeBytes);
    expect(sha256(plain)).toBe(raw.sha256);
    expect(work.spooled()).toEqual([]);
  });

  test('passes a verification and a deep one', async () => {
    await using work = sealing(rules);
    const { id } = await work.backup();

    expect((await verify(work, id, false)).outcome).toBe('passed');
    expect(await verify(work, id)).toMatchObject({ outcome: 'passed', failure: undefined });
    expect(work.spooled()).toEqual([]);
  });

  test('fails both when a bit of it has changed', async () => {
    await using work = sealing(rules);
    const { id } = await work.backup();
    const { sealed } = await newest(work);
    work.store('memory').flip(sealed.sizeBytes - 40, 'every-read', named(sealed.object));

    for (const deep of [false, true]) {
      const { outcome, failure } = await verify(work, id, deep);
      expect(outcome).toBe('failed');
      expect(failure?.code).toBe('object-damaged');
      expect(failure?.message).toContain(sealed.object);
    }
    expect(work.spooled()).toEqual([]);
  });

  test('is forgotten with its data', async () => {
    await using work = sealing(rules);
    const { id } = await work.backup();

    await work.catalog('disk').forget(id, { signal });

    expect(readdirSync(`${work.dir}/store/${work.cluster.id}`)).toEqual([]);
  });
});

describe.concurrent('sealing', () => {
  test('tells how far it is, and needs the drained file no longer', async () => {
    await using work = sealing(packed);
    const spooled: number[] = [];
    work.on = (event) => {
      if (event.kind === 'step-advanced' && event.step === 'seal') {
        spooled.push(work.spooled().length);
      }
      if (event.kind === 'step-finished' && event.step === 'seal') {
        spooled.push(work.spooled().length);
      }
    };

    await work.backup();

    const { raw, steps } = await newest(work);
    const told = work.of('step-advanced').filter(({ step }) => step === 'seal');
    expect(told.at(-1)).toMatchObject({ doneBytes: raw.sizeBytes, totalBytes: raw.sizeBytes });
    expect(spooled).toEqual([2, 1]);
    expect(Object.keys(steps)).toContain('seal');
  });

  test('that is stopped leaves nothing', async () => {
    await using work = sealing(both);
    const stopping = new AbortController();
    work.on = (event) => {
      if (event.kind === 'step-advanced' && event.step === 'seal')
        stopping.abort(new Error('stop'));
    };

    await expect(work.backup({}, stopping.signal)).rejects.toThrow('stop');

    expect(work.spooled()).toEqual([]);
    expect(await work.listed('memory')).toEqual([]);
  });

  test('that finds no room fails the run', async () => {
    await using work = sealing(packed);
    const { spool } = work.deps;
    const full = new Failure('spool-full', 'no room');
    let made = 0;
    const second: EngineDeps['spool'] = {
      ...spool,
      create: async (bytes) => {
        made += 1;
        if (made === 2) throw full;
        return await spool.create(bytes);
      },
    };

    await expect(work.backup({}, signal, { spool: second })).rejects.toBe(full);

    expect(work.spooled()).toEqual([]);
  });
});

describe.concurrent('an encrypted backup', () => {
  test.for([
    { what: 'no identity', identities: [], reason: 'no identity was given' },
    {
      what: 'the identity of somebody else',
      identities: [stranger],
      reason: 'no identity that was given is one of them',
    },
  ])('is closed to $what, which says nothing against it', async ({ identities, reason }) => {
    await using work = sealing(both, () => identities);
    const { id } = await work.backup();

    await expect(verify(work, id)).rejects.toMatchObject({
      code: 'backup-locked',
      message: `backup ${id} is encrypted to ${recipient}, and ${reason}`,
      hint: expect.stringContaining('--identity'),
    });

    expect((await verify(work, id, false)).outcome).toBe('passed');
    expect(work.spooled()).toEqual([]);
  });

  test('asks for the identities anew each time', async () => {
    let known: ReturnType<EngineDeps['identities']> = [];
    await using work = sealing(both, () => known);
    const { id } = await work.backup();
    await expect(verify(work, id)).rejects.toMatchObject({ code: 'backup-locked' });

    known = [stranger, identity];

    expect((await verify(work, id)).outcome).toBe('passed');
  });
});

describe.concurrent('a check', () => {
  test.for([
    { rules: packed, identities: [], detail: 'packed with zstd, and opened again' },
    {
      rules: both,
      identities: [],
      detail: `packed with zstd, encrypted to ${recipient}; no identity here opens it`,
    },
    {
      rules: both,
      identities: [stranger, identity],
      detail: `packed with zstd, encrypted to ${recipient}, and opened again`,
    },
  ])('tells how backups are sealed: $detail', async ({ rules, identities, detail }) => {
    await using work = sealing(rules, () => identities);

    const { results } = await checkEverything(work.deps, { signal });

    const found = results.find(({ subject }) => subject === 'seal');
    expect(found).toEqual({ subject: 'seal', detail, failure: undefined });
  });

  test('finds out that the identity does not fit the recipients', async () => {
    await using work = sealing(both, () => [stranger]);

    const { results } = await checkEverything(work.deps, { signal });

    const found = results.find(({ subject }) => subject === 'seal');
    expect(found?.failure?.code).toBe('backup-locked');
  });
});

describe.concurrent('bytes that somebody else put in its place', () => {
  const zeros = Buffer.alloc(64 * 1024 * 1024);

  test('never fill more of the disk than the manifest tells', async () => {
    await using work = sealing(packed);
    await work.backup();
    const { raw } = await newest(work);
    const id = await forge(work, zstdCompressSync(zeros));
    const { spool } = work.deps;
    const made: SpoolFile[] = [];
    const watched: EngineDeps['spool'] = {
      ...spool,
      create: async (bytes) => {
        const file = await spool.create(bytes);
        made.push(file);
        return file;
      },
    };

    const deps = { ...work.deps, spool: watched };
    const { failure } = await verifyBackup(work.catalog('memory'), id, deps, {
      deep: true,
      signal,
    });

    expect(failure).toMatchObject({ code: 'object-damaged' });
    // Twice, for damage is what two readings agree on.
    expect(made).toHaveLength(2);
    for (const file of made) expect(file.sizeBytes).toBeLessThanOrEqual(raw.sizeBytes);
    expect(failure?.message).toContain(`unseals to more than ${raw.sizeBytes} bytes`);
  });

  test('are refused when they are fewer', async () => {
    await using work = sealing(packed);
    await work.backup();
    const { raw } = await newest(work);
    const id = await forge(work, zstdCompressSync(zeros.subarray(0, 5000)));

    const { failure } = await verify(work, id);

    expect(failure?.message).toContain(`unseals to 5000 bytes, not ${raw.sizeBytes}`);
  });

  test('are refused when they are another snapshot, also a sound one', async () => {
    await using work = sealing(both);
    await work.backup();
    const other = await newest(work);
    const bytes = await readBytes(work.store('memory'), other.sealed.object);
    work.pass(1000);
    work.cluster.write({ put: '/key/1', value: 'later '.repeat(10) });
    await work.backup();
    const id = await forge(work, bytes);

    const { failure } = await verifyAnyway(work, id);

    await expect(verify(work, id)).rejects.toMatchObject({ code: 'backup-untrusted' });
    expect(failure?.code).toBe('object-damaged');
    expect(failure?.message).toMatch(/tells another SHA-256|unseals to/);
  });

  test('are refused when more lies behind the end of the right ones', async () => {
    await using work = sealing({ ...packed, codec: 'gzip' });
    await work.backup();
    const { sealed } = await newest(work);
    const right = await readBytes(work.store('memory'), sealed.object);
    const behind = [Buffer.from('more'), gzipSync('more'), Buffer.alloc(2_000_000)];

    for (const more of behind) {
      const id = await forge(work, Buffer.concat([right, more]));
      const { failure } = await verify(work, id);
      expect(failure?.code).toBe('object-damaged');
      await work.catalog('memory').forget(id, { signal });
    }
  });

  test('are refused when they are encrypted to us by somebody else and are no snapshot', async () => {
    await using work = sealing({ ...both, codec: 'none' });
    await work.backup();
    const { raw } = await newest(work);
    const id = await forge(work, await all(encryptAge(lent(zeros.subarray(0, raw.sizeBytes)), to)));

    const { outcome, failure } = await verifyAnyway(work, id);

    await expect(verify(work, id)).rejects.toMatchObject({ code: 'backup-untrusted' });
    expect(outcome).toBe('failed');
    expect(failure?.code).toBe('snapshot-corrupt');
  });
});
