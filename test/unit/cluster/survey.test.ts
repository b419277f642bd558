/** Who is asked in a survey, and what is made of the answers, against servers of our own. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { refusing } from './grpc-server.ts';
import { deadUrl, Pair, surveyOf, two } from './pair.ts';
import { failureOf } from './roads.ts';

describe('a survey', () => {
  test('tells every member as it answered itself, with numbers of 64 bits kept whole', async () => {
    await using pair = await Pair.start();

    const { clusterId, members, alarms } = await surveyOf(pair.urls[0]);

    expect(clusterId).toBe('cdf818194e3a8c32');
    expect(alarms).toEqual([]);
    const status = {
      serverVersion: '3.5.30',
      storageVersion: undefined,
      databaseBytes: 20_480,
      inUseBytes: 16_384,
      leader: 'fffffffffffffffe',
      raftTerm: 9n,
      raftIndex: 2n ** 60n,
      appliedIndex: 2n ** 60n - 3n,
      revision: 2n ** 53n + 1n,
    };
    const rest = { learner: false, status };
    expect(members).toEqual([
      {
        id: '8e9e05c52164694d',
        name: 'm1',
        clientUrls: [pair.urls[0]],
        peerUrls: ['http://m1:2380'],
        endpoint: pair.urls[0],
        ...rest,
      },
      {
        id: 'fffffffffffffffe',
        name: 'm2',
        clientUrls: [pair.urls[1]],
        peerUrls: ['http://m2:2380'],
        endpoint: pair.urls[1],
        ...rest,
      },
    ]);
  });

  test('knows no leader where a member knows none', async () => {
    await using pair = await Pair.start({ leader: 0n }, { leader: 0n });

    const { members } = await surveyOf(pair.urls[0]);

    for (const { status } of members) expect(status).toMatchObject({ leader: undefined });
  });

  test('begins at any endpoint that answers', async () => {
    await using pair = await Pair.start();

    const { members } = await surveyOf(await deadUrl(), pair.urls[1]);

    expect(members.map(({ name, status }) => [name, status instanceof Failure])).toEqual([
      ['m1', false],
      ['m2', false],
    ]);
  });

  test('reaches a member by the configured endpoint, not by what it advertises', async () => {
    await using pair = await Pair.start();
    pair.told = pair.told.map((each) => ({
      ...each,
      clientUrls: [`http://${each.name}.invalid:1`],
    }));

    const { members } = await surveyOf(...pair.urls);

    expect(members.map(({ endpoint }) => endpoint)).toEqual(pair.urls);
  });

  test('tries every address that a member advertises', async () => {
    await using pair = await Pair.start();
    pair.told[1] = { id: two, name: 'm2', clientUrls: [await deadUrl(), pair.urls[1]] };

    const { members } = await surveyOf(pair.urls[0]);

    expect(members[1]).toMatchObject({
      endpoint: pair.urls[1],
      status: { serverVersion: '3.5.30' },
    });
  });

  test('does not take one member for another that answers at its address', async () => {
    await using pair = await Pair.start();
    pair.told[1] = { id: two, name: 'm2', clientUrls: [pair.urls[0]] };

    const { members } = await surveyOf(pair.urls[0]);

    expect(members[1]?.status).toMatchObject({
      code: 'cluster-unreachable',
      message: `${pair.urls[0]}: member 8e9e05c52164694d answers there`,
    });
  });

  test('has no endpoint for a member that has not started yet', async () => {
    await using pair = await Pair.start();
    pair.told[1] = { id: two, name: '', clientUrls: [] };

    const { members } = await surveyOf(pair.urls[0]);

    expect(members[1]).toMatchObject({ name: '', clientUrls: [], endpoint: undefined });
    expect(members[1]?.status).toMatchObject({ message: 'it advertises no client URL' });
  });

  test('asks the next for the members where a learner refuses to tell them', async () => {
    const refuse = refusing(14, 'etcdserver: rpc not supported for learner');
    await using pair = await Pair.start({ instead: { MemberList: refuse } });

    expect((await surveyOf(...pair.urls)).members).toHaveLength(2);
  });

  test('fails with what was said where nobody tells the members', async () => {
    const refuse = refusing(14, 'etcdserver: rpc not supported for learner');
    await using pair = await Pair.start({ instead: { MemberList: refuse } });

    expect((await failureOf(surveyOf(pair.urls[0]))).code).toBe('snapshot-refused');
  });
});

describe('where no endpoint answers', () => {
  test('each of them is told with its reason', async () => {
    const urls = [await deadUrl(), await deadUrl()];

    const failure = await failureOf(surveyOf(...urls));

    expect(failure).toMatchObject({
      code: 'cluster-unreachable',
      message: `no endpoint answers: ${urls.map((url) => `${url}: connection refused`).join('; ')}`,
    });
  });

  test('the only one speaks for itself', async () => {
    const url = await deadUrl();

    expect((await failureOf(surveyOf(url))).message).toBe(`${url}: connection refused`);
  });

  test('a refused password says more than a dead endpoint beside it', async () => {
    const refuse = refusing(3, 'etcdserver: user name is empty');
    await using pair = await Pair.start({ instead: { Status: refuse } });

    const failure = await failureOf(surveyOf(await deadUrl(), pair.urls[0]));

    expect(failure.code).toBe('cluster-auth');
  });

  test('an address that is none is told like one that is dead', async () => {
    const failure = await failureOf(surveyOf('http://[nonsense'));

    expect(failure.code).toBe('cluster-unreachable');
  });
});
