/** Which ends of a backup call which URL of the dead-man's switch. */
import { describe, expect, test } from 'vitest';
import { openNotifier } from '../../../src/cli/notifier.ts';
import type { RunResult } from '../../../src/core/events.ts';
import { startReceiver } from '../../support/receiver.ts';
import { leastYaml, load } from '../config/loading.ts';
import { sample } from '../observe/events.ts';

describe('the ping', () => {
  test.each<[string, readonly RunResult[], readonly string[]]>([
    ['good after a backup', ['success'], ['/good']],
    ['good after a run that another daemon had answered', ['answered'], ['/good']],
    ['bad where a store missed the backup', ['partial'], ['/bad']],
    ['bad, then good', ['partial', 'answered'], ['/bad', '/good']],
    ['silent after a run that was stopped', ['stopped'], []],
  ])('is %s', async (_, results, paths) => {
    await using at = await startReceiver();
    const ping = `notify:\n  ping:\n    success: ${at.url}/good\n    failure: ${at.url}/bad\n`;
    {
      const { config } = load({ yaml: `${leastYaml}${ping}    insecureHttp: true\n` });
      await using notifier = openNotifier(config, () => undefined);
      for (const result of results) {
        notifier.observe(sample('run-started'));
        if (result === 'success') notifier.observe(sample('backup-committed'));
        notifier.observe(sample('run-finished', { result }));
      }
    }

    expect(at.received.map(({ path }) => path)).toEqual(paths);
  });
});
