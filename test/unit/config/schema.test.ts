import { describe, expect, test } from 'vitest';
import { type Entry, environmentName, leavesOf } from '../../../src/config/entry.ts';
import { schema } from '../../../src/config/schema.ts';
import { storeSection } from '../../../src/config/store-schema.ts';

const entries = [...leavesOf(schema), ...leavesOf(storeSection, 'stores[].')].flatMap(
  ({ key, node }): [string, Entry<unknown>][] => (node.kind === 'entry' ? [[key, node]] : []),
);

describe('the schema', () => {
  test.each(entries)('has a right example for %s', (_, { format, example }) => {
    expect(() => format.parse(example)).not.toThrow();
  });

  test.each(entries.filter(([, entry]) => entry.default !== null))(
    'has a right default for %s',
    (_, { format, default: value }) => {
      expect(() => format.parse(value ?? '')).not.toThrow();
    },
  );

  test.each(entries)('documents %s in a sentence', (_, { doc }) => {
    expect(doc).toMatch(/^[A-Z].{15,}\.$/);
  });

  test('gives one name to one set of rules, for convict keeps formats by name', () => {
    const texts = [
      '',
      'a',
      '/a',
      '1',
      '99999999',
      '5s',
      '9d',
      '1KiB',
      'true',
      'a:1',
      'https://a:1',
    ];
    const verdict = ({ format }: Entry<unknown>) =>
      texts.map((text) => passes(format, text)).join();
    const byName = Map.groupBy(entries, ([, { format }]) => format.name);
    const verdicts = [...byName.values()].map((same) => new Set(same.map(([, e]) => verdict(e))));

    expect(verdicts.map((set) => set.size)).toEqual(verdicts.map(() => 1));
  });

  test('names variables by one rule', () => {
    expect(environmentName('cluster.tls.serverName')).toBe('ETCD_BACKUPD_CLUSTER_TLS_SERVER_NAME');
    expect(environmentName('source.agreementMaxBytes')).toBe(
      'ETCD_BACKUPD_SOURCE_AGREEMENT_MAX_BYTES',
    );
  });
});

function passes(format: Entry<unknown>['format'], text: string): boolean {
  try {
    format.parse(text);
    return true;
  } catch {
    return false;
  }
}
