/** The calls about single backups, over real catalogs. */
import { describe, expect, test } from 'vitest';
import { clusterId } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { hourMs } from '../engine/workshop.ts';
import { heldIn, loseData, openDesk } from './desk.ts';

describe('a backup', () => {
  test('is shown as its manifest, once for each store', async () => {
    await using desk = await openDesk(2);
    const [first] = desk.backups;

    const one = await desk.call(`GET /v1/backups/${first?.id}`);
    const all = await desk.call('GET /v1/backups');
    const some = await desk.call('GET /v1/backups?store=disk&limit=1');

    expect(one.json.backups).toMatchObject([
      { store: 'memory', id: first?.id },
      { store: 'disk', id: first?.id },
    ]);
    expect(all.json.backups).toHaveLength(4);
    expect(some.json.backups).toMatchObject([{ store: 'disk', id: desk.backups[1]?.id }]);
  });

  test('is not missing as long as a store does not answer', async () => {
    await using desk = await openDesk(1);
    desk.work.store('disk').refuse('list', new Failure('store-denied', 'nobody may list'));
    const gone = '20200101T000000Z-r00000000000000001';

    const answer = await desk.call(`GET /v1/backups/${gone}`);

    expect(answer).toMatchObject({ status: 502, json: { code: 'store-denied' } });
  });
});

describe('a hold', () => {
  test('is set in every store, may be given another reason, and is taken away again', async () => {
    await using desk = await openDesk(2);
    const { work, call } = desk;
    const id = desk.backups[0]?.id;

    const set = await call(`PUT /v1/backups/${id}/hold`, { reason: '  before the upgrade ' });
    const first = await heldIn(work, 'memory');
    const again = await call(`PUT /v1/backups/${id}/hold?store=disk`, { reason: 'the audit' });
    const second = [await heldIn(work, 'memory'), await heldIn(work, 'disk')];
    const released = await call(`DELETE /v1/backups/${id}/hold`);
    const twice = await call(`DELETE /v1/backups/${id}/hold`);

    expect(set).toEqual({ status: 200, json: { id, held: true, stores: ['memory', 'disk'] } });
    expect(first).toEqual(['before the upgrade', null]);
    expect(again.json.stores).toEqual(['disk']);
    expect(second).toEqual([
      ['before the upgrade', null],
      ['the audit', null],
    ]);
    expect([released.status, twice.status]).toEqual([200, 200]);
    expect(await heldIn(work, 'disk')).toEqual([null, null]);
  });

  test('is no success where a store could not be asked: it may have the backup too', async () => {
    await using desk = await openDesk(1);
    const { work, call, backups } = desk;
    work.store('disk').refuse('list', new Failure('store-failed', 'the disk is gone'));

    const answer = await call(`PUT /v1/backups/${backups[0]?.id}/hold`, { reason: 'x' });

    expect(answer).toMatchObject({ status: 502, json: { code: 'store-failed' } });
    expect(answer.json.detail).toContain('held in memory; store disk cannot be read');
    expect(await heldIn(work, 'memory')).toEqual(['x']);
  });
});

describe('removing a backup', () => {
  test('takes it from every store, and the second time there is none', async () => {
    await using desk = await openDesk(3);
    const { work, call, backups } = desk;
    const id = backups[0]?.id;

    const first = await call(`DELETE /v1/backups/${id}`);
    const second = await call(`DELETE /v1/backups/${id}`);

    expect(first).toEqual({ status: 200, json: { id, stores: ['memory', 'disk'] } });
    expect(second).toMatchObject({ status: 404, json: { code: 'backup-missing' } });
    expect(await work.listed('disk')).toHaveLength(2);
  });

  test('is refused with every reason, and nothing is removed', async () => {
    await using desk = await openDesk(2, { minimum: 2 });
    const { work, call, backups } = desk;
    await call(`PUT /v1/backups/${backups[0]?.id}/hold`, { reason: 'the audit' });

    const answer = await call(`DELETE /v1/backups/${backups[0]?.id}`);

    expect(answer).toMatchObject({ status: 409, json: { code: 'retention-unsafe' } });
    expect(answer.json.detail).toContain('store memory: held: the audit; one of the minimum of 2');
    expect(await work.listed('memory')).toHaveLength(2);
  });

  test('is refused where a store could not be asked', async () => {
    await using desk = await openDesk(2);
    const { work, call, backups } = desk;
    work.store('disk').refuse('list', new Failure('store-failed', 'the disk is gone'));

    const answer = await call(`DELETE /v1/backups/${backups[0]?.id}`);

    expect(answer.status).toBe(502);
    expect(await work.listed('memory')).toHaveLength(2);
  });

  test('asks for the cluster where two have a backup of that id', async () => {
    await using desk = await openDesk(2);
    const { work, call, backups } = desk;
    const [{ id, startedAt, revision }] = backups as [Manifest];
    const stranger = clusterId('1');
    for (const hours of [0, 1]) {
      const at = new Date(startedAt.getTime() + hours * hourMs);
      const known = hours === 0 ? { id } : {};
      await work.place({ startedAt: at, revision, ...known }, stranger);
    }

    const hold = await call(`PUT /v1/backups/${id}/hold`, { reason: 'the audit' });
    const vague = await call(`DELETE /v1/backups/${id}`);
    const named = await call(`DELETE /v1/backups/${id}?cluster=${stranger}`);
    const plan = await call('GET /v1/retention/plan');

    expect(vague).toMatchObject({
      status: 400,
      json: { hint: expect.stringContaining('cluster') },
    });
    expect([hold.status, named.status]).toEqual([400, 200]);
    expect(await heldIn(work, 'memory')).toEqual([null, null]);
    expect(await work.listed('memory')).toHaveLength(2);
    expect(plan).toMatchObject({ status: 400, json: { code: 'usage' } });
  });

  test('also removes one whose data is gone', async () => {
    await using desk = await openDesk(2);
    const { work, call, backups } = desk;
    loseData(work, backups[0] as Manifest);

    const answer = await call(`DELETE /v1/backups/${backups[0]?.id}`);

    expect(answer).toMatchObject({ status: 200, json: { stores: ['memory', 'disk'] } });
    expect(await work.listed('disk')).toHaveLength(1);
  });
});

describe('the plan', () => {
  test('tells for each store what stays and why, and changes nothing', async () => {
    await using desk = await openDesk(3, { minimum: 1, keepLast: 1 } as { minimum: number });
    const { work, call, backups } = desk;

    const { json } = await call('GET /v1/retention/plan');

    expect(json.cluster).toBe(work.cluster.id);
    expect(json.stores.map(({ store }: { store: string }) => store)).toEqual(['memory', 'disk']);
    expect(json.stores[0].decisions).toMatchObject([
      { id: backups[2]?.id, keep: true },
      { id: backups[1]?.id, keep: false, reasons: ['no rule keeps it'] },
      { id: backups[0]?.id, keep: false },
    ]);
    expect(await work.listed('memory')).toHaveLength(3);
  });

  test('tells which store did not answer, and where there is nothing', async () => {
    await using empty = await openDesk(0);
    await using desk = await openDesk(1);
    desk.work.store('disk').refuse('list', new Failure('store-failed', 'the disk is gone'));

    const none = await empty.call('GET /v1/retention/plan');
    const { json } = await desk.call('GET /v1/retention/plan');

    expect(none.json).toEqual({ cluster: null, stores: [], unreadable: [] });
    expect(json.stores).toMatchObject([{ store: 'memory' }]);
    expect(json.unreadable).toMatchObject([{ store: 'disk', code: 'store-failed' }]);
  });
});
