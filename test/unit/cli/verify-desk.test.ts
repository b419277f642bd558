/** Verifications over the API, from the call to the verdict. */
import { describe, expect, test } from 'vitest';
import { verifyAsked } from '../../../src/cli/backup-desk.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { signal } from '../engine/workshop.ts';
import { loseData, openDesk } from './desk.ts';

describe('verifying', () => {
  const verify = async ({ work, backups }: Awaited<ReturnType<typeof openDesk>>, deep = false) => {
    const order = {
      backup: (backups[0] as Manifest).id,
      store: undefined,
      cluster: undefined,
      deep,
    };
    return await verifyAsked(order, work.deps, { signal, observe: work.deps.observe });
  };

  test('waits in its turn, as a job that can be looked up', async () => {
    await using desk = await openDesk(1);
    const id = desk.backups[0]?.id;

    const asked = await desk.call(`POST /v1/backups/${id}/verify`, { deep: true });
    const job = await desk.call(`GET /v1/jobs/${asked.json.job.id}`);
    const all = await desk.call('GET /v1/jobs');

    expect(asked.status).toBe(202);
    expect(job.json).toMatchObject({ state: 'queued', subject: { backup: id, deep: true } });
    expect(all.json.jobs).toEqual([job.json]);
  });

  test('has a verdict for every copy', async () => {
    await using desk = await openDesk(1);

    const passed = await verify(desk);
    loseData(desk.work, desk.backups[0] as Manifest);
    const failed = await verify(desk);

    const ok = { outcome: 'passed', reason: null };
    expect(passed).toMatchObject({ failure: undefined });
    expect(passed.outcome).toMatchObject({
      result: 'passed',
      copies: [
        { store: 'memory', ...ok },
        { store: 'disk', ...ok },
      ],
    });
    expect(failed.failure).toMatchObject({ code: 'object-missing' });
    expect(failed.outcome).toMatchObject({ result: 'failed', copies: [ok, { outcome: 'failed' }] });
  });
});
