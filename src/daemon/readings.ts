/** After a reload the stores are read anew, as a chore: what is shown of new ones is the truth. */
import type { Chore } from './chores.ts';
import type { WorkOptions } from './job.ts';

/** `run` tells what keeps stores from being read, and throws for what concerns all of them. */
export function readingChore(run: (options: WorkOptions) => Promise<void>): Chore {
  return {
    name: 'reading',
    after: (end) => end === 'reload',
    run: async (options) => {
      await run(options);
      return {};
    },
    gaveWay: (detail) => ({ kind: 'reading-gave-way', detail }),
    broke: (failure) => ({ kind: 'preparation-failed', failure }),
  };
}
