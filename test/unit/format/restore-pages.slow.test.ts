/** Pages behind the last one: whatever the database was, it has exactly the wanted pairs then. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { PageAppender } from '../../../src/format/append-pages.ts';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import {
  memorySource,
  type TestFile,
  type TestPair,
  withTrailer,
  writeBbolt,
} from '../../support/bbolt.ts';
import { changed } from './appended.ts';
import { clusterBuckets } from './cluster-bytes.ts';
import { historyOf, keyValue, pairsOf, revisionKey, statusHashOf } from './history.ts';
import { given, made, names, plain } from './shaped-databases.ts';

function appenderOf({ bytes }: TestFile): PageAppender {
  return new PageAppender(memorySource(bytes), bytes.length);
}

/** The structure is proved on the way. */
function hashOf(bytes: Uint8Array): number {
  return inspectSnapshot(memorySource(bytes)).facts.statusHash;
}

/** As text, so that a difference can be read. */
function shown(pairs: readonly TestPair[]): string[] {
  return pairs.map((pair) => pair.map((part) => Buffer.from(part).toString('base64')).join(' '));
}

describe('appended pages', () => {
  test('give a sound database with exactly the pairs that were set', () => {
    fc.assert(
      fc.property(given, names, names, (start, wanted, more) => {
        const { file, content } = made(start);
        const appender = appenderOf(file);
        appender.setPairs('authUsers', asPairs(wanted).toReversed());
        appender.setPairs('another', asPairs(more));

        const result = changed(file.bytes, appender.finish());

        const expected = { ...content, authUsers: wanted, another: more };
        expect(hashOf(result)).toBe(statusHashOf(expected));
      }),
      { numRuns: 60 },
    );
  });

  test('take a last row, in whatever shape the rows lie', () => {
    fc.assert(
      fc.property(given, fc.nat(5000), (start, size) => {
        const main = 10_000n;
        const { file, content } = made(start);
        const appender = appenderOf(file);
        const key = revisionKey(main, 0n);
        const value = keyValue([
          [1, 'new'],
          [2, main],
          [3, main],
          [4, 1n],
          [5, 'n'.repeat(size)],
        ]);
        appender.addLast('key', { key, value });

        const result = changed(file.bytes, appender.finish());

        const wanted: TestPair[] = [...(content['key'] ?? []), [key, value]];
        const after = new PageAppender(memorySource(result), result.length);
        expect(shown(after.pairs('key').map((pair) => [pair.key, pair.value]))).toEqual(
          shown(wanted),
        );
        expect(hashOf(result)).toBe(statusHashOf({ ...content, key: wanted }));
      }),
      { numRuns: 60 },
    );
  });

  test('touch no page in use, and count for nothing until the meta page is whole', () => {
    fc.assert(
      fc.property(given, names, (start, wanted) => {
        const { file, content } = made(start);
        const appender = appenderOf(file);
        appender.setPairs('authUsers', asPairs(wanted));

        const { pages, meta } = appender.finish();

        const begins = pages.map(({ position }) => position);
        expect(Math.min(...begins)).toBeGreaterThanOrEqual(file.bytes.length);
        expect([0, file.pageSize]).toContain(meta.position);
        const torn = Buffer.from(file.bytes);
        torn.set(meta.bytes.subarray(0, 40), meta.position);
        expect(hashOf(torn)).toBe(statusHashOf(content));
      }),
      { numRuns: 30 },
    );
  });

  test('begin where the database ends, not where the trailer does', () => {
    const { file, content } = made({ ...plain, key: { pairs: [] } });
    const snapshot = withTrailer(file.bytes);
    const appender = new PageAppender(memorySource(snapshot), file.bytes.length);

    const result = changed(file.bytes, appender.finish());

    expect(hashOf(result)).toBe(statusHashOf(content));
  });

  test('stay within a quarter of a page inside the root, and go beyond it outside', () => {
    const { file } = made(plain);
    // A quarter of 4096, without two headers and the key.
    const pagesFor = (size: number) => {
      const appender = appenderOf(file);
      appender.setPairs('authUsers', [{ key: Buffer.from('u'), value: Buffer.alloc(size) }]);
      return appender.finish().pages.length;
    };

    expect(pagesFor(1024 - 33)).toBe(1);
    expect(pagesFor(1024 - 32)).toBe(2);
  });
});

function asPairs(pairs: readonly [Buffer, Buffer][]) {
  return pairs.map(([key, value]) => ({ key, value }));
}

describe('what is read before it is changed', () => {
  test('is the pairs and the last key of every shape', () => {
    fc.assert(
      fc.property(given, (start) => {
        const { file, content } = made(start);
        const appender = appenderOf(file);

        for (const name of ['key', 'authUsers', 'members', 'absent']) {
          const pairs = content[name] ?? [];
          const read = appender.pairs(name);
          expect(shown(read.map(({ key, value }) => [key, value]))).toEqual(shown(pairs));
          const last = appender.lastKey(name);
          expect(last && Buffer.from(last)).toEqual(pairs.at(-1) && Buffer.from(pairs.at(-1)![0]));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('is a value larger than the window that is read through', () => {
    const value = Buffer.alloc(2_500_000, 'ab');
    const { file } = made({ ...plain, authUsers: { pairs: [['u', value]] } });

    const [pair] = appenderOf(file).pairs('authUsers');

    expect(Buffer.from(pair?.value ?? []).equals(value)).toBe(true);
  });
});

describe('a damaged database', () => {
  const puts = Array.from({ length: 100 }, (_, at) => [
    { put: `key-${at}`, value: 'v'.repeat(90) },
  ]);
  const file = writeBbolt(
    {
      ...clusterBuckets(),
      key: { pairs: pairsOf(historyOf(puts)), pairsPerLeaf: 4, childrenPerBranch: 4 },
    },
    { pageSize: 1024 },
  );

  function change(bytes: Buffer): void {
    const appender = new PageAppender(memorySource(bytes), bytes.length);
    appender.setPairs('members', appender.pairs('members'));
    appender.lastKey('key');
    appender.addLast('key', { key: revisionKey(10_000n, 0n), value: Buffer.alloc(0) });
    appender.finish();
  }

  test('is changed, or fails as damage does: never in another way', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 20,
    });
    let failed = 0;
    fc.assert(
      fc.property(flips, (changes) => {
        const bytes = Buffer.from(file.bytes);
        for (const [at, mask] of changes) {
          // Where the structure is: the first bytes of a page.
          const page = Math.floor(at / 64) % (bytes.length / 1024);
          const offset = at % 64;
          const place = page * 1024 + offset;
          bytes[place] = (bytes[place] ?? 0) ^ mask;
        }
        try {
          change(bytes);
        } catch (thrown) {
          if (!(thrown instanceof Failure) || thrown.code !== 'snapshot-corrupt') throw thrown;
          failed += 1;
        }
      }),
      { numRuns: 500 },
    );
    expect(failed).toBeGreaterThan(50);
  });

  test.each([0, 1, 512, 1024, 2048, 10_000])('cut after %i bytes fails so', (size) => {
    const act = () => change(file.bytes.subarray(0, size) as Buffer);

    expect(act).toThrow(expect.objectContaining({ code: 'snapshot-corrupt' }));
  });
});
