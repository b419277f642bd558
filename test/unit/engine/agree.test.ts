/** What the other voters say of the content, and what follows from it. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { isProved, type Manifest } from '../../../src/core/manifest.ts';
import { sentenceOf } from '../../../src/observe/sentences.ts';
import { namesIn } from '../../contract/store-bodies.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const stores = ['memory'] as const;

/** Who was asked for a content hash, in order. */
function asked({ cluster }: Workshop): string[] {
  return cluster.calls.filter(({ method }) => method === 'hashKv').map(({ member }) => member);
}

async function proofOf(work: Workshop): Promise<Manifest['proofs']['agreed']> {
  return (await work.listed('memory'))[0]?.proofs.agreed;
}

/** What an operator reads of the proof. */
function sentence(work: Workshop): string | undefined {
  const told = work.of('proof-finished').find(({ proof }) => proof === 'agreed');
  return told && sentenceOf(told, work.deps.now());
}

describe.concurrent('other voters', () => {
  test('that hold the same make the proof', async () => {
    await using work = openWorkshop({ stores });

    await work.backup();

    const evidence = { revision: '43', asked: 2, agreed: 'm1, m3' };
    expect(await proofOf(work)).toMatchObject({ outcome: 'passed', evidence });
    expect(asked(work).sort()).toEqual(['m1', 'm3']);
    expect(sentence(work)).toBe('proof agreed passed');
  });

  test('are believed also when one of them does not answer', async () => {
    await using work = openWorkshop({ stores });
    work.cluster.member('m3').down = true;

    await work.backup();

    expect(await proofOf(work)).toMatchObject({
      outcome: 'passed',
      evidence: { asked: 2, agreed: 'm1', reason: 'm3: http://m3:2379: connection refused' },
    });
  });

  test('are compared under their own compaction, which may be newer than ours', async () => {
    await using work = openWorkshop({ stores });
    work.cluster.compact(10n);
    let pending = true;
    work.cluster.onCall = ({ method }) => {
      if (method === 'hashKv' && pending) work.cluster.compact(30n);
      if (method === 'hashKv') pending = false;
    };

    await work.backup();

    expect(await proofOf(work)).toMatchObject({
      outcome: 'passed',
      evidence: { agreed: 'm1, m3' },
    });
    expect((await work.listed('memory'))[0]?.compactRevision).toBe(10n);
  });

  test('that are a little behind are asked again', async () => {
    await using work = openWorkshop({ stores });
    const late = work.cluster.member('m3');
    late.lag = 1;
    work.cluster.onCall = ({ method, member }) => {
      const times = asked(work).filter((name) => name === 'm3').length;
      if (method === 'hashKv' && member === 'm3' && times > 1) late.lag = 0;
    };

    await work.backup();

    expect(await proofOf(work)).toMatchObject({
      outcome: 'passed',
      evidence: { agreed: 'm1, m3' },
    });
    expect(asked(work).filter((name) => name === 'm3')).toHaveLength(2);
  });
});

describe.concurrent('an inconclusive agreement', () => {
  test('says plainly that there is nobody to ask', async () => {
    await using work = openWorkshop({ stores, members: 1 });
    work.cluster.add('late', { learner: true });

    const { result } = await work.backup();

    expect(result).toBe('success');
    const reason = 'there is no other voter to ask';
    expect(await proofOf(work)).toMatchObject({
      outcome: 'inconclusive',
      evidence: { revision: '43', asked: 0, reason },
    });
    expect(sentence(work)).toBe(`proof agreed is inconclusive: ${reason}`);
    expect(asked(work)).toEqual([]);
  });

  test('says of each voter why it gave no answer, and takes nothing from the backup', async () => {
    await using work = openWorkshop({ stores });
    for (const name of ['m1', 'm3']) work.cluster.member(name).down = true;

    await work.backup();

    const [manifest] = await work.listed('memory');
    expect(manifest && isProved(manifest)).toBe(true);
    expect(manifest?.proofs.agreed?.evidence).not.toHaveProperty('agreed');
    expect(sentence(work)).toBe(
      'proof agreed is inconclusive: no voter gave an answer that can be compared: ' +
        'm1: http://m1:2379: connection refused; m3: http://m3:2379: connection refused',
    );
  });

  test('comes of voters that have compacted the revision away, asked more than once', async () => {
    await using work = openWorkshop({ stores });
    let pending = true;
    work.cluster.onCall = ({ method }) => {
      if (method !== 'hashKv' || !pending) return;
      pending = false;
      work.cluster.write({ put: '/later', value: '1' });
      work.cluster.compact(44n);
    };

    await work.backup();

    const proof = await proofOf(work);
    expect(proof?.outcome).toBe('inconclusive');
    expect(proof?.evidence['reason']).toContain('m3: the member has compacted revision 43 away');
    expect(asked(work).filter((name) => name === 'm1')).toHaveLength(4);
  });
});

describe.concurrent('a voter that holds something else', () => {
  test('fails the run; the backup is kept as evidence, and nothing is pruned', async () => {
    await using work = openWorkshop({ stores, retention: { keepLast: 1 } });
    const { id: before } = await work.backup();
    work.pass(1000);
    work.cluster.member('m3').diverged = true;
    const since = work.events.length;

    const run = work.backup();

    await expect(run).rejects.toMatchObject({ code: 'hash-mismatch', retryable: false });
    await expect(run).rejects.toThrow(/m3 has \d+, the snapshot \d+, at revision 43; .* is stored/);
    const [good, bad] = await work.listed('memory');
    expect(good?.id).toBe(before);
    expect(bad?.proofs.agreed?.outcome).toBe('failed');
    expect(bad && isProved(bad)).toBe(false);
    expect(work.of('hash-mismatched')).toMatchObject([{ revision: 43n, members: ['m3'] }]);
    const kinds = work.events.slice(since).map(({ kind }) => kind);
    expect(kinds).not.toContain('prune-finished');
    expect(work.spooled()).toEqual([]);
  });

  test('fails the run before anything is stored, where that is configured', async () => {
    await using work = openWorkshop({ stores, source: { onMismatch: 'discard' } });
    work.cluster.member('m3').diverged = true;

    const run = work.backup();

    await expect(run).rejects.toMatchObject({ code: 'hash-mismatch' });
    await expect(run).rejects.toThrow('nothing was stored');
    expect(await namesIn(work.store('memory'))).toEqual([]);
    expect(work.spooled()).toEqual([]);
  });

  test('counts for more than one that agrees and one that is silent', async () => {
    await using work = openWorkshop({ stores, members: 5 });
    work.cluster.member('m3').diverged = true;
    work.cluster.member('m5').down = true;

    await expect(work.backup()).rejects.toMatchObject({ code: 'hash-mismatch' });

    expect(work.of('hash-mismatched')[0]?.members).toEqual(['m3']);
    expect(await proofOf(work)).toMatchObject({
      outcome: 'failed',
      evidence: { asked: 4, agreed: 'm1, m4' },
    });
  });

  test('may be the source itself: then all the others differ', async () => {
    await using work = openWorkshop({ stores });
    work.cluster.member('m2').diverged = true;

    await expect(work.backup()).rejects.toMatchObject({ code: 'hash-mismatch' });

    expect(work.of('hash-mismatched')[0]?.members).toEqual(['m1', 'm3']);
  });
});

describe.concurrent('the agreement', () => {
  test('is skipped with its reason, and asks nobody, where it is never wanted', async () => {
    await using work = openWorkshop({ stores, source: { agreement: 'never' } });

    const { result } = await work.backup();

    expect(result).toBe('success');
    expect(asked(work)).toEqual([]);
    expect(await proofOf(work)).toMatchObject({ outcome: 'skipped' });
    expect(sentence(work)).toBe('proof agreed was skipped: source.requireAgreement is never');
  });

  test('is skipped for a database larger than the limit, not for one as large', async () => {
    await using work = openWorkshop({ stores });
    await work.backup();
    const [taken] = await work.listed('memory');
    const databaseBytes = Number(taken?.raw.sizeBytes) - 32;
    const outcomes = [];

    for (const agreementMaxBytes of [databaseBytes, databaseBytes - 1]) {
      const source = { ...work.deps.source, agreement: 'auto', agreementMaxBytes } as const;
      const since = work.events.length;
      await work.backup({}, undefined, { source });
      const told = work.events.slice(since).find((each) => {
        return each.kind === 'proof-finished' && each.proof === 'agreed';
      });
      outcomes.push(told?.kind === 'proof-finished' && told.outcome);
    }

    expect(outcomes).toEqual(['passed', 'skipped']);
  });

  test('ends with the run when it is aborted while voters are asked', async () => {
    await using work = openWorkshop({ stores });
    const stop = new AbortController();
    const reason = new Failure('stopped', 'enough');
    work.cluster.onCall = ({ method }) => {
      if (method === 'hashKv') stop.abort(reason);
    };

    await expect(work.backup({}, stop.signal)).rejects.toBe(reason);

    expect(await namesIn(work.store('memory'))).toEqual([]);
    expect(work.spooled()).toEqual([]);
  });
});
