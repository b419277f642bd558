/** The table of lessons names the test of each rule: a rule whose test is gone is only a wish. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { faultOf } from '../support/named-tests.ts';

const root = join(import.meta.dirname, '..', '..');

interface Lesson {
  readonly incident: string;
  readonly rule: string;
  readonly proof: string;
}

/** The rows of all tables, without the lines that head them. */
function readLessons(): Lesson[] {
  const lines = readFileSync(join(root, 'docs', 'lessons.md'), 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('| ') && !line.startsWith('| what went wrong'))
    .map((line) => {
      const [incident = '', rule = '', ...proof] = line.replace(/^\| | \|$/g, '').split(' | ');
      return { incident, rule, proof: proof.join(' | ') };
    });
}

const lessons = readLessons();

describe('docs/lessons.md', () => {
  test('has rows with an incident, a rule and a test each, and no row twice', () => {
    const thin = lessons.filter(
      ({ incident, rule, proof }) => incident.length < 30 || rule.length < 15 || proof === '',
    );
    const incidents = lessons.map(({ incident }) => incident);

    expect(lessons.length).toBeGreaterThan(25);
    expect(thin).toEqual([]);
    expect(new Set(incidents).size).toBe(incidents.length);
  });

  test('names only tests that exist', () => {
    const faults = lessons.flatMap(({ proof }) =>
      proof.split('<br>').flatMap((reference) => faultOf(reference) ?? []),
    );

    expect(faults).toEqual([]);
  });
});
