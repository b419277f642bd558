/** Stores with two backups, what may happen to one of them, and the scrub of all. */
import type { Manifest } from '../../../src/core/manifest.ts';
import { manifestName, objectName } from '../../../src/core/names.ts';
import { type ScrubReport, type ScrubWanted, scrubStores } from '../../../src/engine/scrub.ts';
import { putBytes, readBytes } from '../../contract/store-bodies.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

export const everything: ScrubWanted = { store: null, cluster: null, repair: true };

export function scrub(
  work: Workshop,
  wanted: Partial<ScrubWanted> = {},
  ending = signal,
): Promise<ScrubReport> {
  return scrubStores({ ...everything, ...wanted }, work.deps, { signal: ending });
}

/** Two backups in both stores, which nobody has read yet. */
export async function stocked(): Promise<
  { work: Workshop; older: Manifest; newer: Manifest } & AsyncDisposable
> {
  const work = openWorkshop();
  const older = await work.place();
  work.pass(hourMs);
  const newer = await work.place();
  work.pass(hourMs);
  return { work, older, newer, [Symbol.asyncDispose]: () => work[Symbol.asyncDispose]() };
}

/** `store id-suffix outcome`, sorted. */
export function told({ copies }: ScrubReport): string[] {
  return copies
    .map(({ store, backup, outcome }) => `${store} ${backup.slice(-4)} ${outcome}`)
    .sort();
}

export async function manifestIn(
  work: Workshop,
  store: string,
  { id }: Manifest,
): Promise<Manifest> {
  return await work.catalog(store).manifest(id, { signal });
}

type Damage = (work: Workshop, older: Manifest) => Promise<void>;

/** What may happen to the older backup in the store `disk`. */
export const damages: Readonly<Record<string, Damage>> = {
  'a flipped bit': async (work, { sealed }) => {
    const bytes = Buffer.from(await readBytes(work.store('disk'), sealed.object));
    bytes.writeUInt8(bytes.readUInt8(5) ^ 4, 5);
    await putBytes(work.store('disk'), sealed.object, bytes);
  },
  'its end missing': async (work, { sealed }) => {
    const bytes = await readBytes(work.store('disk'), sealed.object);
    await putBytes(work.store('disk'), sealed.object, bytes.subarray(0, -3));
  },
  'its data missing': async (work, { sealed }) => {
    await work.store('disk').remove(objectName(sealed.object), { signal });
  },
  'a manifest that is none': async (work, { id }) => {
    await putBytes(work.store('disk'), manifestName(work.cluster.id, id), '{"format": 1');
  },
};
