/** The calls about backups over real catalogs; every answer is held against the document. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { backupDesk } from '../../../src/cli/backup-desk.ts';
import type { Lodging } from '../../../src/cli/residence.ts';
import { askedVerifies } from '../../../src/cli/work-desk.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { buildAdmin } from '../../../src/http/admin-app.ts';
import { apiDocument } from '../../../src/http/routes.ts';
import { type ApiDocument, answerCheck } from '../../support/api-answers.ts';
import { hourMs, openWorkshop, type Workshop } from '../engine/workshop.ts';
import { bearer, house, loopback, newJobs, operate, read, restore } from '../http/house.ts';

const check = answerCheck(apiDocument() as unknown as ApiDocument);
const tokens = { read: () => read, operate: () => operate, restore: () => restore };

/** So many backups, the oldest first; what is answered is as the document says. */
export async function openDesk(amount: number, retention = { minimum: 1 }) {
  const work = openWorkshop({ retention });
  const backups: Manifest[] = [];
  for (let made = 0; made < amount; made += 1) {
    backups.push(await work.place());
    work.pass(hourMs);
  }
  const jobs = newJobs();
  const lodging: Lodging = { use: (task) => task(work.deps) };
  const verifies = askedVerifies(jobs, lodging);
  const app = buildAdmin(
    house({
      tokens,
      jobs,
      backups: backupDesk(lodging),
      verify: async (wanted) => verifies.ask(wanted),
    }).options,
  );
  const call = async (request: string, body?: object) => {
    const [method = 'GET', url = '/'] = request.split(' ');
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await app.inject({
      method: method as 'GET',
      url,
      headers: { ...loopback, ...bearer(restore), ...type },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
    const path = url.split('?', 1)[0] ?? '';
    const contentType = String(answer.headers['content-type']);
    const { statusCode: status } = answer;
    expect(check({ method, path, status, contentType, body: answer.body })).toEqual([]);
    return { status, json: answer.json() };
  };
  return { work, backups, call, jobs, [Symbol.asyncDispose]: () => work[Symbol.asyncDispose]() };
}

export const heldIn = async (work: Workshop, store: string) =>
  (await work.listed(store)).map(({ hold }) => hold?.reason ?? null);

/** Its data in the folder is gone. */
export function loseData({ dir }: Workshop, { sealed }: Manifest): void {
  rmSync(join(dir, 'store', sealed.object));
}
