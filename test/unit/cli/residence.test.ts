import { describe, expect, test } from 'vitest';
import { Residence } from '../../../src/cli/residence.ts';
import type { House } from '../../../src/cli/wire.ts';
import { load } from '../config/loading.ts';

const loaded = load({});

/** Houses that tell when they are closed. */
function street() {
  const closed: string[] = [];
  const house = (clusterName: string): House => ({
    deps: { clusterName } as House['deps'],
    [Symbol.asyncDispose]: async () => void closed.push(clusterName),
  });
  return { closed, house };
}

describe('a house that is left', () => {
  test('is closed at once where nobody works in it', async () => {
    const { closed, house } = street();
    await using residence = new Residence(loaded, house('old'));

    residence.move(loaded, house('new'));

    expect(closed).toEqual(['old']);
    expect(residence.deps.clusterName).toBe('new');
  });

  test('stays open until the last work in it has ended, well or badly', async () => {
    const { closed, house } = street();
    await using residence = new Residence(loaded, house('old'));
    const works = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const names: string[] = [];
    const working = works.map(({ promise }) =>
      residence.use(async (deps) => {
        await promise;
        names.push(deps.clusterName);
      }),
    );

    residence.move(loaded, house('new'));
    works[0]?.resolve();
    await working[0];
    const early = [...closed];
    works[1]?.reject(new Error('it failed'));
    await expect(working[1]).rejects.toThrow('it failed');

    expect(early).toEqual([]);
    expect(closed).toEqual(['old']);
    expect(names).toEqual(['old']);
  });

  test('is closed with the one that is lived in at the end, and none twice', async () => {
    const { closed, house } = street();
    const residence = new Residence(loaded, house('old'));
    const work = Promise.withResolvers<void>();
    const working = residence.use(() => work.promise);
    residence.move(loaded, house('new'));

    await residence[Symbol.asyncDispose]();
    work.resolve();
    await working;

    expect(closed).toEqual(['old', 'new']);
  });
});
