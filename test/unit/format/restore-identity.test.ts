/** Who the members of a restored cluster are: the same ids and bytes as by the official tool. */
import { describe, expect, test } from 'vitest';
import { parseInitialCluster } from '../../../src/core/initial-cluster.ts';
import { bigEndian, goJson, memberJson, newCluster } from '../../../src/format/new-cluster.ts';
import { officialRestores } from './official-restores.ts';

describe('the ids of a new cluster', () => {
  test.each(officialRestores)('are those of the official tool: $name', (official) => {
    const { id, members } = newCluster(parseInitialCluster(official.list), official.token);

    const ids = members.map((member): [string, string] => [member.name, member.id.toString(16)]);
    expect(id.toString(16)).toBe(official.clusterId);
    expect(ids).toEqual(Object.entries(official.memberIds));
  });

  test('depend on the URLs and the token, not on names or any order', () => {
    const given = [
      { name: 'm1', peerUrls: ['http://h1:1', 'http://h1:2'] },
      { name: 'm2', peerUrls: ['http://h2:1'] },
    ];
    const turned = [
      { name: 'other', peerUrls: ['http://h2:1'] },
      { name: 'm1', peerUrls: ['http://h1:2', 'http://h1:1'] },
    ];
    const idsOf = (members: typeof given, token: string) => {
      const cluster = newCluster(members, token);
      return [cluster.id, ...cluster.members.map(({ id }) => id)];
    };

    expect(idsOf(turned, 'token')).toEqual(idsOf(given, 'token'));
    const ids = new Set([...idsOf(given, 'token'), ...idsOf(given, 'another')]);
    expect(ids.size).toBe(6);
  });

  test('are in numeric order, the largest of 64 bits last', () => {
    const many = Array.from({ length: 40 }, (_, at) => {
      return { name: `m${at}`, peerUrls: [`http://10.0.0.${at}:2380`] };
    });

    const ids = newCluster(many, 'token').members.map(({ id }) => id);

    expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(ids.some((id) => id >= 2n ** 63n) && ids.some((id) => id < 2n ** 63n)).toBe(true);
  });

  test('URLs are sorted by their bytes, as Go does', () => {
    const peerUrls = ['http://h:2380', 'http://\uff01:1', 'http://\u{1f600}:1', 'HTTP://h:1'];

    const [member] = newCluster([{ name: 'm', peerUrls }], 'token').members;

    expect(member?.peerUrls).toEqual([
      'HTTP://h:1',
      'http://h:2380',
      'http://\uff01:1',
      'http://\u{1f600}:1',
    ]);
  });
});

describe('a cluster that cannot be', () => {
  test.each([
    ['no member', [], 'a cluster needs at least one member'],
    [
      'one name twice',
      [
        { name: 'm1', peerUrls: ['http://h:1'] },
        { name: 'm1', peerUrls: ['http://h:2'] },
      ],
      'two members have the name m1',
    ],
    [
      'one URL twice',
      [
        { name: 'm1', peerUrls: ['http://h:1'] },
        { name: 'm2', peerUrls: ['http://h:2', 'http://h:1'] },
      ],
      'two members have the peer URL http://h:1',
    ],
    [
      'one id twice',
      [
        { name: 'm1', peerUrls: ['http://h:1', '0'] },
        { name: 'm2', peerUrls: ['0http://h:1'] },
      ],
      'two members have the id 2db75b3b36dbec09',
    ],
  ])('is refused: %s', (_, members, reason) => {
    const act = () => newCluster(members, '');

    expect(act).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(act).toThrow(reason);
  });
});

describe('a member as etcd keeps it', () => {
  test('has its id as a number of 64 bits, and what Go escapes escaped', () => {
    const id = 2n ** 64n - 1n;
    const name = '<a>&"\\\u2028\u2029é';
    const peerUrls = ['http://h:1?a=1&b=2'];

    expect(Buffer.from(memberJson({ id, name, peerUrls })).toString('utf8')).toBe(
      '{"id":18446744073709551615,"peerURLs":["http://h:1?a=1\\u0026b=2"],' +
        '"name":"\\u003ca\\u003e\\u0026\\"\\\\\\u2028\\u2029é"}',
    );
  });

  test('reads back as what it was', () => {
    const text = '\u0000\u0007\t\n\u001f\u007f</script>&amp;\u2028 \u{1f600}';

    const written = goJson(text);

    expect(JSON.parse(written)).toBe(text);
    expect(written).not.toMatch(/[<>&\u2028\u2029]/);
  });
});

test.each([
  [0n, '0000000000000000'],
  [1n, '0000000000000001'],
  [2n ** 64n - 1n, 'ffffffffffffffff'],
  [-1n, 'ffffffffffffffff'],
])('%i is written as the 8 bytes %s', (value, hex) => {
  expect(Buffer.from(bigEndian(value)).toString('hex')).toBe(hex);
});
