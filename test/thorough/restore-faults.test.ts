/** Restores that are killed by SIGKILL, at every step and between any two renames. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { restoreSteps } from '../../src/core/restore.ts';
import { runProgram, worker } from '../support/house.ts';
import { type Ground, type Origin, origin, restore, traceOf } from '../support/restoring.ts';

const preload = join(import.meta.dirname, '..', 'support', 'kill-at.ts');

/** Names of the old data end in the Z of a time, the data directory's own in m1. */
const untouched = [
  'event restore into',
  'event restore step choose took',
  'event restore step preflight took',
  'event restore: ',
  'event restore step fetch took',
  'event restore step prove took',
  'event restore step build took',
  'name Z',
];
const between = ['named Z', 'name m1'];
const done = ['named m1', 'event restore step swap took', 'event is restored to'];

async function killedAt(at: string, ground: Ground): Promise<void> {
  const options = { nodeArgs: ['--import', preload], env: { KILL_AT: at } };
  const killed = await runProgram([...ground.words, '--log.level=trace'], options);
  expect(killed).toMatchObject({ signal: 'SIGKILL' });
}

/** Where the old data was moved to. */
function asideOf({ hosts }: Ground): string[] {
  const names = readdirSync(hosts).filter((name) => name.includes('.before-restore-'));
  return names.toSorted().map((name) => join(hosts, name));
}

describe('a restore killed by SIGKILL', () => {
  let from: Origin;
  beforeAll(async () => {
    from = await origin('3.5');
  });
  afterAll(() => from[Symbol.asyncDispose]());

  test('knows moments of every step', () => {
    for (const step of restoreSteps) {
      expect([...untouched, ...done].some((moment) => moment.includes(step))).toBe(true);
    }
  });

  test.for(untouched)('at "%s" has changed nothing, and the next one succeeds', async (at) => {
    using ground = from.lay();
    const old = traceOf(ground.dataDir);

    await killedAt(at, ground);

    expect(traceOf(ground.dataDir)).toEqual(old);
    await using engine = worker(ground.place);
    const { aside } = await restore(engine, ground.dataDir);
    expect(traceOf(aside ?? '')).toEqual(old);
    expect(ground.names()).toEqual(['m1', 'm1.before-restore-TIME']);
  });

  test.for(between)('at "%s" has moved the old data, and the next one succeeds', async (at) => {
    using ground = from.lay();
    const old = traceOf(ground.dataDir);

    await killedAt(at, ground);

    expect(existsSync(ground.dataDir)).toBe(false);
    expect(asideOf(ground).map(traceOf)).toEqual([old]);
    await using engine = worker(ground.place);
    const { aside, warnings } = await restore(engine, ground.dataDir);
    expect(warnings).toContain(
      `${ground.dataDir} was put back, which a killed restore had moved aside`,
    );
    expect(traceOf(aside ?? '')).toEqual(old);
    expect(ground.names()).toEqual(['m1', 'm1.before-restore-TIME']);
    expect(await ground.served()).toEqual(['/older', '/newest']);
  });

  test.for(done)('at "%s" was done, and the next one moves its data aside too', async (at) => {
    using ground = from.lay();
    const old = traceOf(ground.dataDir);

    await killedAt(at, ground);

    expect(asideOf(ground).map(traceOf)).toEqual([old]);
    const restored = traceOf(ground.dataDir);
    await using engine = worker(ground.place);
    // The cluster that it has become is another one.
    const { aside } = await restore(engine, ground.dataDir, { force: true });
    expect(traceOf(aside ?? '')).toEqual(restored);
    expect(ground.names()).toEqual(['m1', 'm1.before-restore-TIME', 'm1.before-restore-TIME']);
    expect(asideOf(ground).map(traceOf)).toContainEqual(old);
  });

  test('while it builds leaves data that etcd starts from', async () => {
    using ground = from.lay();

    await killedAt('event restore step prove took', ground);

    expect(await ground.served()).toEqual(['/older', '/newest', '/later']);
  });

  test('between its renames has its old data put back by a mere dry run', async () => {
    using ground = from.lay();
    await killedAt('named Z', ground);
    await using engine = worker(ground.place);

    await restore(engine, ground.dataDir, { dryRun: true });

    expect(ground.names()).toEqual(['m1']);
    expect(await ground.served()).toEqual(['/older', '/newest', '/later']);
  });
});
