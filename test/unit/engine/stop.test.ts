/** A run that is stopped, at any moment. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { namesIn } from '../../contract/store-bodies.ts';
import { momentOf, openWorkshop } from './workshop.ts';

/** Everything that a good run tells, and whether a backup is there by then. */
const moments: Readonly<Record<string, 'nothing' | 'perhaps' | 'a backup'>> = {
  'step-finished choose': 'nothing',
  'member-chosen': 'nothing',
  'snapshot-drained': 'nothing',
  'step-finished drain': 'nothing',
  'step-finished prove': 'nothing',
  'proof-finished received': 'nothing',
  'proof-finished agreed': 'nothing',
  'step-finished agree': 'nothing',
  'backup-committed': 'perhaps',
  'step-finished store': 'a backup',
  'backup-pruned': 'a backup',
  'catalog-read': 'a backup',
};

describe.concurrent('a run that is stopped', () => {
  test.for(Object.entries(moments))('at %s ends, and leaves no half of anything', async (given) => {
    const [moment, expected] = given;
    await using work = openWorkshop({ retention: { keepLast: 1 } });
    const placed = await work.place();
    work.pass(1000);
    const stop = new AbortController();
    const reason = new Failure('stopped', 'enough');
    work.on = (event) => {
      if (momentOf(event) === moment) stop.abort(reason);
    };

    await expect(work.backup({}, stop.signal)).rejects.toBe(reason);

    expect(work.spooled()).toEqual([]);
    let fresh = 0;
    for (const name of ['memory', 'disk']) {
      const listed = await work.listed(name);
      const objects = await namesIn(work.store(name));
      const manifests = objects.filter((object) => object.endsWith('.json'));
      expect(manifests).toHaveLength(listed.length);
      for (const { sealed } of listed) expect(objects).toContain(sealed.object);
      fresh += listed.filter(({ id }) => id !== placed.id).length;
    }
    if (expected === 'nothing') expect(fresh).toBe(0);
    else expect(fresh).toBeGreaterThan(0);
    if (expected === 'a backup') expect(fresh).toBe(2);
  });

  test('before it began asks nobody', async () => {
    await using work = openWorkshop();
    const reason = new Failure('stopped', 'enough');

    await expect(work.backup({}, AbortSignal.abort(reason))).rejects.toBe(reason);

    expect(work.events).toEqual([]);
    for (const store of ['memory', 'disk']) expect(work.store(store).calls).toEqual([]);
  });
});
