/**
 * One manifest as an object of a store: read with every check that needs nothing but the manifest,
 * written with a read back. A manifest that says it is another backup, or belongs to another
 * cluster, is not believed: somebody renamed, copied or edited it.
 */
import type { BackupId, ClusterId } from '../core/backup.ts';
import { Failure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { decodeManifest, encodeManifest, manifestLimitBytes } from '../core/manifest-json.ts';
import {
  manifestName,
  type ObjectName,
  objectName,
  parseObjectName,
  stemsOf,
} from '../core/names.ts';
import type { Body, Store } from '../store/port.ts';

/** The folder of one cluster in one store. */
export interface ClusterFolder {
  readonly store: Store;
  readonly cluster: ClusterId;
}

/** Throws `object-missing`, `manifest-invalid`, `object-damaged`, and what the store throws. */
export async function readManifest(
  folder: ClusterFolder,
  id: BackupId,
  signal: AbortSignal,
): Promise<Manifest> {
  const text = await readText(folder.store, manifestName(folder.cluster, id), signal);
  return parseManifest(folder, id, text);
}

export function parseManifest(folder: ClusterFolder, id: BackupId, text: string): Manifest {
  const where = `manifest ${manifestName(folder.cluster, id)} in store ${folder.store.name}`;
  const manifest = decodeManifest(text, where);
  const wrong = [
    manifest.id === id ? '' : `it says that it is ${manifest.id}`,
    manifest.cluster.id === folder.cluster ? '' : `it says cluster ${manifest.cluster.id}`,
    isDataOf(folder, id, manifest.sealed.object)
      ? ''
      : `it points to ${manifest.sealed.object.slice(0, 100)}`,
  ].filter((problem) => problem !== '');
  if (wrong.length === 0) return manifest;
  throw new Failure('manifest-invalid', `${where}: ${wrong.join('; ')}`);
}

/** However it is sealed. */
function isDataOf({ cluster }: ClusterFolder, id: BackupId, object: string): boolean {
  const parsed = parseObjectName(object);
  return parsed?.kind === 'data' && parsed.cluster === cluster && stemsOf(id).includes(parsed.stem);
}

/** The manifest's text, checked by reading it as any later reader will. */
export function printManifest(folder: ClusterFolder, manifest: Manifest): string {
  const text = encodeManifest(manifest);
  parseManifest(folder, manifest.id, text);
  return text;
}

export async function readText(
  store: Store,
  name: ObjectName,
  signal: AbortSignal,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of store.get(name, { signal })) {
    sizeBytes += chunk.byteLength;
    // A foreign file of any size may have the name of a manifest.
    if (sizeBytes > manifestLimitBytes) {
      throw new Failure('manifest-invalid', `${name} in store ${store.name} is larger than 4 MiB`);
    }
    chunks.push(Uint8Array.from(chunk));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (thrown) {
    throw new Failure('manifest-invalid', `${name} in store ${store.name} is not UTF-8 text`, {
      cause: thrown,
    });
  }
}

export async function writeText(
  store: Store,
  name: ObjectName,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const bytes = Buffer.from(text);
  const body: Body = {
    sizeBytes: bytes.byteLength,
    async *open() {
      yield bytes;
    },
  };
  await store.put(name, body, { signal });
}

/** The size of the backup's data, undefined when the store has none. */
export async function dataSize(
  folder: ClusterFolder,
  { sealed }: Manifest,
  signal: AbortSignal,
): Promise<number | undefined> {
  const facts = await orMissing(folder.store.stat(objectName(sealed.object), { signal }));
  return facts?.sizeBytes;
}

/** What is wrong with the data that a manifest speaks of. */
export function dataFault(
  folder: ClusterFolder,
  manifest: Manifest,
  sizeBytes: number | undefined,
): Failure | undefined {
  const { object, sizeBytes: expected } = manifest.sealed;
  if (sizeBytes === expected) return undefined;
  const context = { store: folder.store.name, id: manifest.id, object };
  if (sizeBytes === undefined) {
    const message = `store ${folder.store.name} has a manifest but no data for ${manifest.id}`;
    return new Failure('object-missing', message, { context });
  }
  const sizes = `has ${sizeBytes} bytes, not ${expected}`;
  const message = `${object} in store ${folder.store.name} ${sizes}`;
  return new Failure('object-damaged', message, { context: { ...context, sizeBytes, expected } });
}

/** Undefined instead of `object-missing`. */
export async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'object-missing') return undefined;
    throw thrown;
  }
}
