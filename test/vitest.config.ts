import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;

/** Unit tests that are not for every look at the code: laws over many cases, processes, threads. */
const slow = 'test/unit/**/*.slow.test.ts';

/** Files share loaded modules: a third of the time. Nothing here patches a module. */
const quick = { testTimeout: 20_000, isolate: false };

/** What runs against real servers takes seconds, not milliseconds; nothing may wait for ever. */
const real = { testTimeout: 300_000, hookTimeout: 300_000, fileParallelism: true };

export default defineConfig({
  root,
  test: {
    // More than there are cores on a small machine: much of the time servers are waited for.
    maxWorkers: Math.max(3, availableParallelism()),
    projects: [
      {
        root,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/*.test.ts'],
          exclude: [slow],
          ...quick,
        },
      },
      { root, test: { name: 'slow', include: [slow], ...quick } },
      { root, test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...real } },
      // As integration, for what takes longer than anybody waits before each commit.
      { root, test: { name: 'thorough', include: ['test/thorough/**/*.test.ts'], ...real } },
      {
        root,
        test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...real, fileParallelism: false },
      },
    ],
  },
});
