import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatInitialCluster, parseInitialCluster } from '../../../src/core/initial-cluster.ts';

describe('an initial cluster', () => {
  test('is members with one or several URLs, in the order in which they are first named', () => {
    const text = 'b=http://h:1, a=https://[fd00::1]:2380,b=http://h:65535';

    expect(parseInitialCluster(text)).toEqual([
      { name: 'b', peerUrls: ['http://h:1', 'http://h:65535'] },
      { name: 'a', peerUrls: ['https://[fd00::1]:2380'] },
    ]);
  });

  test('takes names of nearly any kind', () => {
    const names = ['toString', '__proto__', 'a b', '"q"', '<&>', 'Zürich'];
    const text = names.map((name, at) => `${name}=http://h:${at + 1}`).join(',');

    expect(parseInitialCluster(text).map(({ name }) => name)).toEqual(names);
  });

  test('reads back as it was written', () => {
    const url = fc
      .tuple(fc.constantFrom('http', 'https'), fc.domain(), fc.integer({ min: 1, max: 65_535 }))
      .map(([scheme, host, port]) => `${scheme}://${host}:${port}`);
    const name = fc.stringMatching(/^[a-z][a-z0-9 <>&"'.-]{0,10}[a-z0-9]$/);
    const members = fc
      .uniqueArray(
        fc.record({ name, peerUrls: fc.uniqueArray(url, { minLength: 1, maxLength: 3 }) }),
        { selector: ({ name: of }) => of, minLength: 1 },
      )
      .filter((all) => {
        const urls = all.flatMap(({ peerUrls }) => peerUrls);
        return new Set(urls).size === urls.length;
      });

    fc.assert(
      fc.property(members, (all) => {
        expect(parseInitialCluster(formatInitialCluster(all))).toEqual(all);
      }),
    );
  });

  test.each([
    ['', '"" is no NAME=URL'],
    ['m1', '"m1" is no NAME=URL'],
    ['http://h:1', '"http://h:1" is no NAME=URL'],
    ['=http://h:1', '"=http://h:1" is no NAME=URL'],
    ['m1=http://h:1,', '"" is no NAME=URL'],
    ['m1=', '"" is no peer URL'],
    ['m1=h:1', '"h:1" is no peer URL'],
    ['m1=unix://h:1', '"unix://h:1" is no peer URL'],
    ['m1=http://h', '"http://h" is no peer URL'],
    ['m1=http://h:0', '"http://h:0" is no peer URL'],
    ['m1=http://h:65536', '"http://h:65536" is no peer URL'],
    ['m1=http://h:1/', '"http://h:1/" is no peer URL'],
    ['m1=http://u:p@h:1', '"http://u:p@h:1" is no peer URL'],
    ['m1=http://[::1:1', '"http://[::1:1" is no peer URL'],
    ['m1=http://::1:1', '"http://::1:1" is no peer URL'],
    ['m1=http://h:1,m1=http://h:1', 'http://h:1 is named twice'],
    ['m1=http://h:1,m2=http://h:1', 'http://h:1 is named twice'],
  ])('is refused with the reason: %j', (text, reason) => {
    const act = () => parseInitialCluster(text);

    expect(act).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(act).toThrow(`the initial cluster "${text}" is wrong: ${reason}`);
  });
});
