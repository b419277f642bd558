/** Real backups in two stores, one of which loses, cuts, mixes up or changes what it holds. */
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FailureCode } from '../../src/core/errors.ts';
import { knownClusters } from '../../src/engine/identify.ts';
import { startDaemonProcess } from '../support/daemon.ts';
import { worker } from '../support/house.ts';
import { copy, type Ground, type Origin, origin, traceOf } from '../support/restoring.ts';
import { dataFile } from '../support/stored-names.ts';
import { call, type Told } from '../unit/cli/calling.ts';

const { signal } = new AbortController();

interface Paths {
  readonly data: string;
  readonly manifest: string;
  /** The data of the older backup. */
  readonly olderData: string;
}

interface Damage {
  readonly code: FailureCode;
  readonly strike: (paths: Paths) => void;
}

const damages: Readonly<Record<string, Damage>> = {
  'a bit flip': {
    code: 'object-damaged',
    strike: ({ data }) => {
      const bytes = readFileSync(data);
      bytes[bytes.length >> 1]! ^= 4;
      writeFileSync(data, bytes);
    },
  },
  'a truncation': {
    code: 'object-damaged',
    strike: ({ data }) => truncateSync(data, 1_000_000),
  },
  'an exchange of two data objects': {
    code: 'object-damaged',
    strike: ({ data, olderData }) => {
      renameSync(data, `${data}.aside`);
      renameSync(olderData, data);
      renameSync(`${data}.aside`, olderData);
    },
  },
  'a data object that is gone': {
    code: 'object-missing',
    strike: ({ data }) => rmSync(data),
  },
  'a manifest that is cut off': {
    code: 'manifest-invalid',
    strike: ({ manifest }) => truncateSync(manifest, 100),
  },
};

interface Twins extends Disposable {
  readonly ground: Ground;
  readonly local: Paths;
  /** Words of a command line for both stores, `local` and `other`. */
  readonly words: readonly string[];
  /** The same with the store `local` alone. */
  readonly alone: readonly string[];
}

let from: Origin;
let folder: string;
beforeAll(async () => {
  from = await origin('3.5');
  using ground = from.lay();
  await using engine = worker(ground.place);
  folder = (await knownClusters(engine.deps, signal))[0] ?? '';
});
afterAll(() => from[Symbol.asyncDispose]());

function twins(): Twins {
  const ground = from.lay();
  const { place } = ground;
  place.settings['log.level'] = 'fatal';
  const alone = place.words();
  const other = join(place.dir, 'other');
  copy(place.storeDir, other);
  const stores = Object.entries({ local: place.storeDir, other });
  const listed = stores.map(([name, path]) => ({ name, type: 'file', path }));
  place.settings['stores'] = JSON.stringify(listed);
  const at = (file: string): string => join(place.storeDir, folder, file);
  const local = {
    data: at(dataFile(from.newest)),
    manifest: at(`${from.newest}.json`),
    olderData: at(dataFile(from.older)),
  };
  return {
    ground,
    local,
    words: place.words(),
    alone,
    [Symbol.dispose]: () => ground[Symbol.dispose](),
  };
}

interface Row {
  readonly backup: string;
  readonly store: string;
  readonly outcome: string;
  readonly failure: { readonly code: FailureCode } | null;
}

function wrong(rows: readonly Row[]): string[] {
  const bad = rows.filter(({ outcome }) => outcome !== 'passed');
  return bad.map(({ backup, store, failure }) => `${store} ${backup} ${failure?.code}`).sort();
}

/** The restore of the newest backup, as it is named, from the store `local` alone. */
function restoreAlone({ ground, alone }: Twins): Promise<Told> {
  const settings = ground.words.filter((word) => !/^--(stores|log\.level)=/.test(word));
  const own = alone.filter((word) => /^--(stores|log\.level)=/.test(word));
  return call([...settings.map((word) => (word === 'latest' ? from.newest : word)), ...own]);
}

describe('stored copies', () => {
  test.for(Object.entries(damages))(
    '%s is found by verify and scrub, refused by restore, and repaired',
    async ([what, { code, strike }]) => {
      using two = twins();
      const { ground, local, words } = two;
      const good = readFileSync(local.data);
      strike(local);
      const old = traceOf(ground.dataDir);
      const hit = what.startsWith('an exchange') ? [from.older, from.newest] : [from.newest];
      const expected = hit.map((id) => `local ${id} ${code}`).sort();

      const verified = await call(['verify', '--all', '--json', ...words]);
      const found = await call(['scrub', '--all', '--no-repair', '--json', ...words]);
      const refused = await restoreAlone(two);
      const untouched = traceOf(ground.dataDir);
      const repaired = await call(['scrub', '--all', '--json', ...words]);
      const again = await call(['verify', '--all', ...words]);
      const restored = await restoreAlone(two);

      expect([verified.code, wrong(JSON.parse(verified.out))]).toEqual([code, expected]);
      expect([found.code, wrong(JSON.parse(found.out).copies)]).toEqual([
        'object-damaged',
        expected,
      ]);
      expect(refused).toMatchObject({ out: '' });
      expect(['restore-refused', code]).toContain(refused.code);
      expect(untouched).toEqual(old);
      expect(repaired.code).toBe('damage-repaired');
      expect(JSON.parse(repaired.out).copies).toHaveLength(4);
      expect(again.code).toBe('success');
      expect(readFileSync(local.data).equals(good)).toBe(true);
      expect(restored.code).toBe('success');
    },
  );

  test('that are damaged in one store are restored from the other', async () => {
    using two = twins();
    damages['a bit flip']!.strike(two.local);
    await call(['scrub', '--all', '--no-repair', ...two.words]);

    const settings = two.ground.words.filter((word) => !word.startsWith('--stores='));
    const stores = two.words.filter((word) => word.startsWith('--stores='));
    const named = settings.map((word) => (word === 'latest' ? from.newest : word));
    const told = await call([...named, '--json', ...stores]);

    expect(told.code).toBe('success');
    expect(JSON.parse(told.out)).toMatchObject({ backup: from.newest, store: 'other' });
  });

  test('that are damaged in both stores are told, and stay as they are', async () => {
    using two = twins();
    const { data } = two.local;
    const twin = data.replace(two.ground.place.storeDir, join(two.ground.place.dir, 'other'));
    damages['a bit flip']!.strike(two.local);
    truncateSync(twin, 1_000_000);
    const before = readFileSync(data);

    const told = await call(['scrub', '--all', '--json', ...two.words]);

    expect(told.code).toBe('object-damaged');
    expect(wrong(JSON.parse(told.out).copies)).toEqual([
      `local ${from.newest} object-damaged`,
      `other ${from.newest} object-damaged`,
    ]);
    expect(readFileSync(data).equals(before)).toBe(true);
  });

  test('are scrubbed by the daemon, which knows of them again after a restart', async () => {
    using two = twins();
    const { place } = two.ground;
    damages['a bit flip']!.strike(two.local);
    const settings = {
      'schedule.cron': '0 0 1 1 *',
      'schedule.catchUp': 'false',
      'scrub.cron': '* * * * * *',
      'scrub.repair': 'false',
      'log.level': 'debug',
    };
    const damaged = 'etcd_backup_store_damaged_backups{store="local"}';
    const oldest = 'etcd_backup_store_oldest_read_timestamp_seconds{store="other"}';
    {
      const startedSeconds = Math.floor(Date.now() / 1000);
      await using daemon = await startDaemonProcess(place, { settings });
      await daemon.until('scrub-finished', 3);
      expect(await daemon.metric(damaged)).toBe(1);
      // Each scrub reads a share only: after some of them no copy is left that was not read.
      await expect
        .poll(() => daemon.metric(oldest), { timeout: 15_000 })
        .toBeGreaterThanOrEqual(startedSeconds);
      expect(await daemon.metric('etcd_backup_scrubs_total{result="damaged"}')).toBeGreaterThan(1);
      await daemon.stop();
    }

    const repairing = { ...settings, 'scrub.repair': 'true', 'scrub.cron': 'never' };
    await using again = await startDaemonProcess(place, { settings: repairing });
    await again.until('catalog-read', 2);
    expect(await again.metric(damaged)).toBe(1);
    expect(await again.metric('etcd_backup_scrubs_total{result="damaged"}')).toBe(0);
    await again.stop();

    await using last = await startDaemonProcess(place, {
      settings: { ...repairing, 'scrub.cron': '* * * * * *' },
    });
    await last.until('backup-copied');
    // The metrics follow when the scrub has ended and the stores were read again.
    await last.until('scrub-finished', 2);
    expect(await last.metric(damaged)).toBe(0);
    expect(await last.metric('etcd_backup_repairs_total{result="success"}')).toBe(1);
  });
});
