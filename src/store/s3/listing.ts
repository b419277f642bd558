/** Pages of a list, one after the other, with every promise of a page checked. */
import { type ObjectName, parseObjectName } from '../../core/names.ts';
import type { ObjectFacts } from '../port.ts';
import { isObjectName } from '../requests.ts';

interface Listed {
  readonly Key?: string | undefined;
  readonly Size?: number | undefined;
  readonly LastModified?: Date | undefined;
}

interface Begun {
  readonly Key?: string | undefined;
  readonly UploadId?: string | undefined;
  readonly Initiated?: Date | undefined;
}

/** The part of a server's answer that is read. Keys are URL-encoded. */
export interface Page {
  readonly Contents?: readonly Listed[] | undefined;
  readonly IsTruncated?: boolean | undefined;
  readonly NextContinuationToken?: string | undefined;
}

/**
 * The objects of all pages whose keys are `root` and an object name, by these names. Throws where
 * pages do not end, or are not in order: a list with a hole would let the catalog forget backups.
 */
export async function* readPages(
  root: string,
  fetchPage: (token: string | undefined) => Promise<Page>,
): AsyncGenerator<ObjectFacts, void, undefined> {
  let token: string | undefined;
  let last = '';
  for (;;) {
    const page = await fetchPage(token);
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      const name = nameOf(Key, root);
      if (name === undefined) continue;
      if (name <= last) throw new Error(`the list is not in order: ${name} comes after ${last}`);
      last = name;
      if (Size === undefined || LastModified === undefined) {
        throw new Error(`the list tells no size or no time of ${name}`);
      }
      yield { name, sizeBytes: Size, modifiedAt: LastModified };
    }
    if (page.IsTruncated !== true) return;
    const next = page.NextContinuationToken;
    if (next === undefined || next === token) throw new Error('the list breaks off after a page');
    token = next;
  }
}

export interface UploadPage {
  readonly Uploads?: readonly Begun[] | undefined;
  readonly IsTruncated?: boolean | undefined;
  readonly NextKeyMarker?: string | undefined;
  readonly NextUploadIdMarker?: string | undefined;
}

export interface Markers {
  readonly KeyMarker: string;
  readonly UploadIdMarker: string;
}

/** Unfinished uploads of ours. Without a prefix the bucket may be others' too: then only those of
 * names that a catalog gives. */
export async function* readUploads(
  root: string,
  fetchPage: (markers: Markers | undefined) => Promise<UploadPage>,
): AsyncGenerator<{ key: string; id: string; begunAt: Date }, void, undefined> {
  let markers: Markers | undefined;
  for (;;) {
    const page = await fetchPage(markers);
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      const name = nameOf(Key, root);
      if (name === undefined || UploadId === undefined || Initiated === undefined) continue;
      if (root === '' && parseObjectName(name) === undefined) continue;
      yield { key: root + name, id: UploadId, begunAt: Initiated };
    }
    if (page.IsTruncated !== true) return;
    const KeyMarker = decoded(page.NextKeyMarker) ?? '';
    const UploadIdMarker = page.NextUploadIdMarker ?? '';
    if (markers?.KeyMarker === KeyMarker && markers.UploadIdMarker === UploadIdMarker) {
      throw new Error('the list of uploads breaks off after a page');
    }
    markers = { KeyMarker, UploadIdMarker };
  }
}

/** The object name behind `root`; undefined for what is foreign. */
function nameOf(key: string | undefined, root: string): ObjectName | undefined {
  const text = decoded(key);
  if (text === undefined || !text.startsWith(root)) return undefined;
  const name = text.slice(root.length);
  return isObjectName(name) ? name : undefined;
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // A server that does not encode, and a foreign name.
    return undefined;
  }
}
