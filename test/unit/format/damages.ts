/** One sound file, and every single damage to it that must be named. */
import { makeDatabase } from './made-file.ts';
import { sealMeta } from './made-pages.ts';
import { bucketsOf, type MadeRow } from './slow-hashes.ts';

export const rows: MadeRow[] = Array.from({ length: 200 }, (_, at) => ({
  main: at + 2,
  sub: 0,
  key: `k${at % 50}`,
  value: at % 7 === 3 ? undefined : Buffer.alloc(at === 100 ? 20_000 : (at * 37) % 500, at),
}));
export const sound = makeDatabase({ buckets: bucketsOf(rows), fanout: 4, garbage: true });
export const listed = makeDatabase({
  buckets: bucketsOf(rows),
  fanout: 4,
  garbage: true,
  freelist: true,
});

export interface Edit {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where a page begins. */
  at(page: number): number;
}

function bothMetas(edit: Edit, change: (start: number) => void): void {
  for (const page of [0, 1]) {
    change(edit.at(page));
    sealMeta(edit.bytes, edit.at(page));
  }
}

const leaf = sound.keyLeaves[3] as number;
const [first, second] = sound.keyLeaves as [number, number];
export const element = (at: number, index: number) => at + 16 + index * 16;

export const damages: readonly [string, RegExp, (edit: Edit) => void][] = [
  [
    'both metas are gone',
    /neither meta page is sound/,
    ({ bytes }) => void bytes.fill(0, 0, 4096 * 2),
  ],
  [
    'the root is out of range',
    /root page 99999 is not among/,
    (edit) => bothMetas(edit, (start) => edit.view.setBigUint64(start + 32, 99_999n, true)),
  ],
  [
    'the meta counts more pages than there are',
    /the file is cut/,
    (edit) => bothMetas(edit, (start) => edit.view.setBigUint64(start + 56, 2n ** 60n, true)),
  ],
  [
    'the meta metas itself as root',
    /root page 1 is not among/,
    (edit) => bothMetas(edit, (start) => edit.view.setBigUint64(start + 32, 1n, true)),
  ],
  [
    'a leaf is zero',
    new RegExp(`page ${leaf}: calls itself page 0`),
    ({ bytes, at }) => void bytes.fill(0, at(leaf), at(leaf + 1)),
  ],
  [
    'a leaf calls itself another page',
    new RegExp(`page ${leaf}: calls itself page 3`),
    ({ view, at }) => view.setBigUint64(at(leaf), 3n, true),
  ],
  [
    'a leaf has an unknown type',
    new RegExp(`page ${leaf}: has the unknown type 0x3`),
    ({ view, at }) => view.setUint16(at(leaf) + 8, 3, true),
  ],
  [
    'a leaf reaches past the end',
    new RegExp(`page ${leaf}: has 4294967295 overflow pages`),
    ({ view, at }) => view.setUint32(at(leaf) + 12, 0xffff_ffff, true),
  ],
  [
    'a leaf overflows into its neighbour',
    /is referenced twice/,
    ({ view, at }) => view.setUint32(at(second) + 12, first - second, true),
  ],
  [
    'a leaf has more elements than room',
    new RegExp(`page ${leaf}: has no room for 65535 elements`),
    ({ view, at }) => view.setUint16(at(leaf) + 10, 0xffff, true),
  ],
  [
    'a value reaches out of its page',
    new RegExp(`page ${leaf}: element 1 lies outside`),
    ({ view, at }) => view.setUint32(element(at(leaf), 1) + 12, 0xffff_fff0, true),
  ],
  [
    'a key lies in the element array',
    new RegExp(`page ${leaf}: element 0 lies outside`),
    ({ view, at }) => view.setUint32(element(at(leaf), 0) + 4, 16, true),
  ],
  [
    'two elements claim the same bytes',
    new RegExp(`page ${leaf}: element 1 repeats`),
    ({ view, at }) => {
      const to = element(at(leaf), 0);
      const position = to + view.getUint32(to + 4, true);
      view.setUint32(element(at(leaf), 1) + 4, position - element(at(leaf), 1), true);
    },
  ],
  [
    'a separator is smaller than the rows before it',
    /belongs to a page further right/,
    ({ view, at }) => {
      const branch = at(parentOf(view, leaf));
      const to = element(branch, 1);
      const key = to + view.getUint32(to, true);
      view.setUint8(key + 7, view.getUint8(key + 7) - 1);
    },
  ],
  [
    'a value is a bucket',
    new RegExp(`page ${leaf}: element 0 of the bucket "key" is no revision`),
    ({ view, at }) => view.setUint32(element(at(leaf), 0), 1, true),
  ],
  [
    'an element has unknown flags',
    new RegExp(`page ${leaf}: element 0 has the unknown flags 0x80`),
    ({ view, at }) => view.setUint32(element(at(leaf), 0), 0x80, true),
  ],
  [
    'two children lead to one page',
    /is referenced twice/,
    ({ view, at }) => {
      const branch = at(parentOf(view, leaf));
      view.setBigUint64(
        element(branch, 1) + 8,
        view.getBigUint64(element(branch, 0) + 8, true),
        true,
      );
    },
  ],
  [
    'a child is the branch itself',
    /is referenced twice/,
    ({ view, at }) => {
      const branch = parentOf(view, leaf);
      view.setBigUint64(element(at(branch), 0) + 8, BigInt(branch), true);
    },
  ],
  [
    'a child lies far outside',
    /page 18446744073709552000: is referenced, but the database has/,
    ({ view, at }) => {
      view.setBigUint64(element(at(parentOf(view, leaf)), 0) + 8, 2n ** 64n - 1n, true);
    },
  ],
  [
    'children are swapped',
    /the first key is smaller|belongs to a page further right/,
    ({ view, at }) => {
      const branch = at(parentOf(view, leaf));
      const [a, b] = [element(branch, 0) + 8, element(branch, 1) + 8];
      const [left, right] = [view.getBigUint64(a, true), view.getBigUint64(b, true)];
      view.setBigUint64(a, right, true);
      view.setBigUint64(b, left, true);
    },
  ],
  [
    'the first row is older than the key that leads to it',
    new RegExp(`page ${leaf}: the first key is smaller`),
    ({ view, at }) => {
      const to = element(at(leaf), 0);
      view.setUint8(to + view.getUint32(to + 4, true) + 7, 2);
    },
  ],
  [
    'rows are swapped in place',
    new RegExp(`page ${leaf}: element 1 is out of order`),
    ({ view, at }) => {
      const to = element(at(leaf), 1);
      view.setUint8(to + view.getUint32(to + 4, true) + 7, 2);
    },
  ],
  [
    'the last row belongs to the next page',
    new RegExp(`page ${leaf}: the key of element \\d+ belongs to a page further right`),
    ({ view, at }) => {
      const to = element(at(leaf), view.getUint16(at(leaf) + 10, true) - 1);
      view.setUint8(to + view.getUint32(to + 4, true) + 6, 9);
    },
  ],
  [
    'a row key is no revision',
    new RegExp(`page ${leaf}: element 2 of the bucket "key" is no revision`),
    ({ view, at }) => {
      const to = element(at(leaf), 2);
      view.setUint8(to + view.getUint32(to + 4, true) + 8, 0x2d);
    },
  ],
  [
    'a value is no KeyValue',
    new RegExp(`page ${leaf}: the row of revision \\d+.0 holds no KeyValue`),
    ({ view, at }) => {
      const to = element(at(leaf), 2);
      view.setUint8(to + view.getUint32(to + 4, true) + 18, 0xff);
    },
  ],
  [
    'the branch is a leaf of nothing',
    /is a branch without children/,
    ({ view, at }) => view.setUint16(at(parentOf(view, leaf)) + 10, 0, true),
  ],
];

function parentOf(view: DataView, child: number): number {
  for (let page = 2; page < sound.bytes.length / 4096; page++) {
    const at = page * 4096;
    if (view.getUint16(at + 8, true) !== 1 || view.getUint32(at, true) !== page) continue;
    for (let index = 0; index < view.getUint16(at + 10, true); index++) {
      if (view.getBigUint64(element(at, index) + 8, true) === BigInt(child)) return page;
    }
  }
  throw new Error(`page ${child} has no parent`);
}
