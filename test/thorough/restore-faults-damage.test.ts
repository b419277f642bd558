/** Restores from stores that hold damage: the newest backup is not what it was, or not there. */
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackupId } from '../../src/core/backup.ts';
import type { FailureCode } from '../../src/core/errors.ts';
import type { Proof } from '../../src/core/manifest.ts';
import { knownClusters } from '../../src/engine/identify.ts';
import { worker } from '../support/house.ts';
import {
  complaintOf,
  copy,
  type Ground,
  type Origin,
  origin,
  restore,
  traceOf,
} from '../support/restoring.ts';
import { dataFile } from '../support/stored-names.ts';
import { call } from '../unit/cli/calling.ts';

const { signal } = new AbortController();

interface Damage {
  readonly code: FailureCode;
  readonly reason: RegExp;
  readonly strike: (data: string, manifest: string) => void;
}

const damages: Readonly<Record<string, Damage>> = {
  'a wrong bit': {
    code: 'object-damaged',
    reason: /^local: .* has SHA-256 \w+, not /,
    strike: (data) => {
      const bytes = readFileSync(data);
      bytes[bytes.length >> 1]! ^= 4;
      writeFileSync(data, bytes);
    },
  },
  'data that is cut off': {
    code: 'object-damaged',
    reason: /^local: .* has \d+ bytes/,
    strike: (data) => truncateSync(data, 1_000_000),
  },
  'no data': {
    code: 'object-missing',
    reason: /\.db/,
    strike: (data) => rmSync(data),
  },
  'a manifest of other content': {
    code: 'object-damaged',
    reason: /^local: the manifest tells another status hash$/,
    strike: (_, manifest) => {
      const json = JSON.parse(readFileSync(manifest, 'utf8'));
      json.statusHash = (json.statusHash + 1) % 2 ** 32;
      writeFileSync(manifest, JSON.stringify(json));
    },
  },
};

const unreadable: Readonly<Record<string, Damage>> = {
  'a manifest that is cut off': {
    code: 'manifest-invalid',
    reason: /manifest .*\.json in store local/,
    strike: (_, manifest) => truncateSync(manifest, 100),
  },
  'an empty manifest': {
    code: 'manifest-invalid',
    reason: /manifest .*\.json in store local/,
    strike: (_, manifest) => truncateSync(manifest, 0),
  },
};

describe('a store where the newest backup has', () => {
  let from: Origin;
  let folder: string;
  beforeAll(async () => {
    from = await origin('3.5');
    using ground = from.lay();
    await using engine = worker(ground.place);
    folder = (await knownClusters(engine.deps, signal))[0] ?? '';
  });
  afterAll(() => from[Symbol.asyncDispose]());

  /** Paths of data and manifest. */
  function filesOf(id: BackupId, storeDir: string): [string, string] {
    return [join(storeDir, folder, dataFile(id)), join(storeDir, folder, `${id}.json`)];
  }

  function struck({ strike }: Damage): Ground {
    const ground = from.lay();
    strike(...filesOf(from.newest, ground.place.storeDir));
    return ground;
  }

  test.for(Object.entries({ ...damages, ...unreadable }))(
    '%s does not restore it, nor another one unasked',
    async ([, damage]) => {
      using ground = struck(damage);
      const old = traceOf(ground.dataDir);

      for (const named of ['latest', from.newest]) {
        const words = ground.words.map((word) => (word === 'latest' ? named : word));
        const told = await call(words);

        expect(told).toMatchObject({ code: damage.code, out: '' });
        expect(complaintOf(told).replace(/^the newest backup is \S+, and /, '')).toMatch(
          damage.reason,
        );
      }

      expect(traceOf(ground.dataDir)).toEqual(old);
      expect(ground.names()).toEqual(['m1']);
    },
  );

  test.for(Object.entries({ ...damages, ...unreadable }))(
    '%s restores the older one with --fallback, and says so',
    async ([, damage]) => {
      using ground = struck(damage);

      const dry = await call([...ground.words, '--fallback', '--dry-run']);
      const told = await call([...ground.words, '--fallback', '--json']);

      expect([dry.code, told.code]).toEqual(['success', 'success']);
      const report = JSON.parse(told.out);
      expect(report).toMatchObject({ backup: from.older, takenAt: expect.stringMatching(/Z$/) });
      expect(report.passedOver).toEqual([
        { backup: from.newest, code: damage.code, message: expect.stringMatching(damage.reason) },
      ]);
      const warning = new RegExp(`WARNING +backup ${from.newest} was passed over: `);
      expect(dry.out).toMatch(warning);
      expect(dry.out).toMatch(new RegExp(`^backup +${from.older} from store local`, 'm'));
      expect(ground.names()).toEqual(['m1', 'm1.before-restore-TIME']);
    },
  );

  test('damage takes the same backup from the other store, and the newest by that', async () => {
    using ground = struck(damages['a wrong bit']!);
    const other = join(ground.place.dir, 'other');
    copy(ground.place.storeDir, other);
    const [data, manifest] = filesOf(from.newest, other);
    const bytes = readFileSync(data);
    bytes[bytes.length >> 1]! ^= 4;
    writeFileSync(data, bytes);
    const stores = { local: ground.place.storeDir, other };
    const listed = Object.entries(stores).map(([name, path]) => ({ name, type: 'file', path }));
    ground.place.settings['stores'] = JSON.stringify(listed);
    await using engine = worker(ground.place);

    const { backup, store, passedOver } = await restore(engine, ground.dataDir);

    expect({ backup, store }).toEqual({ backup: from.newest, store: 'other' });
    expect(passedOver).toMatchObject([{ failure: { code: 'object-damaged' } }]);
    // A manifest that cannot be read in one store is no loss where another store has it.
    truncateSync(filesOf(from.newest, stores.local)[1], 7);
    expect(await restore(engine, ground.dataDir, { force: true })).toMatchObject({
      backup: from.newest,
      passedOver: [],
    });
    truncateSync(manifest, 7);
    await expect(restore(engine, ground.dataDir, { force: true })).rejects.toMatchObject({
      code: 'manifest-invalid',
    });
  });

  test('a failed proof is only restored on purpose, by its name', async () => {
    using ground = from.lay();
    const [, manifest] = filesOf(from.newest, ground.place.storeDir);
    const json = JSON.parse(readFileSync(manifest, 'utf8'));
    const proof: Partial<Proof> = { ...json.proofs.sound, outcome: 'failed' };
    writeFileSync(manifest, JSON.stringify({ ...json, proofs: { ...json.proofs, agreed: proof } }));
    const named = ground.words.map((word) => (word === 'latest' ? from.newest : word));

    const latest = await call([...ground.words, '--dry-run', '--json']);
    const refused = await call(named);
    const forced = await call([...named, '--force', '--json']);

    expect(JSON.parse(latest.out)).toMatchObject({ backup: from.older });
    expect(refused.code).toBe('restore-refused');
    expect(refused.err).toContain(`backup ${from.newest} is not proved: its proof agreed failed`);
    expect(JSON.parse(forced.out)).toMatchObject({ backup: from.newest });
  });

  test('no older one fails with its own reason, not with that of the fallback', async () => {
    using ground = struck(damages['a wrong bit']!);
    const [data, manifest] = filesOf(from.older, ground.place.storeDir);
    rmSync(data);
    rmSync(manifest);

    const told = await call([...ground.words, '--fallback']);

    expect(told.code).toBe('object-damaged');
    expect(told.err).toContain(from.newest);
    expect(ground.names()).toEqual(['m1']);
  });
});
