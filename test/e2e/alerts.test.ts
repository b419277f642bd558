/** The alert rules, held by promtool to what happens to daemons. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { prometheusSuites } from '../setup/prometheus.ts';
import { alertScenarios } from '../support/alert-scenarios.ts';
import { Tape } from '../support/alert-tape.ts';
import { prometheusHere, promtool } from '../support/prometheus.ts';

const rules = join(import.meta.dirname, '..', '..', 'config', 'prometheus', 'alerts.yaml');
const here = await Promise.all(prometheusSuites.map(prometheusHere));
const all = here.flatMap(({ programs }) => programs ?? []);
const left = here.flatMap(({ skip }) => skip ?? []).join(', ');

describe.skipIf(all.length === 0)(`the alert rules ${left}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'alerts-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What each promtool says to the tape. */
  async function judge(tape: Tape): Promise<string[]> {
    const file = join(folder, 'tape.json');
    writeFileSync(file, tape.toPromtool(rules));
    const verdicts: string[] = [];
    for (const programs of all) {
      const { code, said } = await promtool(programs, ['test', 'rules', file]);
      verdicts.push(code === 0 && said.includes('SUCCESS') ? 'as expected' : said);
    }
    return verdicts;
  }

  test.each(all)('are valid for $version', async (programs) => {
    const { code, said } = await promtool(programs, ['check', 'rules', rules]);

    expect(said).toContain('SUCCESS');
    expect(code).toBe(0);
  });

  test.each(alertScenarios)('%s', async (_, play) => {
    const tape = new Tape();

    await play(tape);

    expect(await judge(tape)).toEqual(all.map(() => 'as expected'));
  });

  test('are not held to nothing: an alert too many or too few is found', async () => {
    const [tooMany, tooFew] = [new Tape(), new Tape()];
    for (const tape of [tooMany, tooFew]) await tape.pass(20 * 60_000);

    tooMany.expect('EtcdBackupAbsent', 'EtcdBackupNone a local');
    tooFew.expect();

    for (const tape of [tooMany, tooFew]) {
      expect((await judge(tape)).join()).toContain('got: {alertname="EtcdBackupAbsent"}');
    }
  });
});
