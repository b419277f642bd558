/**
 * Copies a backup from one store to another, as it is stored: sealed bytes are never opened. Every
 * byte is compared with the manifest on its way, and what the target holds is compared again
 * before the manifest makes it a backup there.
 */
import type { Catalog } from '../catalog/catalog.ts';
import type { BackupId } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { isProved, type Manifest, type Proof } from '../core/manifest.ts';
import { objectName } from '../core/names.ts';
import { isDamage } from '../core/reading.ts';
import type { Body } from '../store/port.ts';
import type { EngineDeps } from './deps.ts';
import { everyFewMiB, type FetchOptions, readBack, storedBytes } from './read-back.ts';

export type CopyDeps = Pick<EngineDeps, 'observe' | 'now'>;

export interface CopyOptions extends FetchOptions {
  /**
   * Repairs what the target has of this backup where its data or its manifest is damaged. What
   * reads well is left as it is, and whatever fails leaves what was there.
   */
  readonly replace?: boolean;
  /** Called before it throws, where the copy to read from is at fault: another one may do. */
  readonly onSourceFault?: (failure: Failure) => void;
}

/** `present`: the target has it already, and nothing was copied. */
export type CopyEnd = 'copied' | 'repaired' | 'present';

/**
 * `which` as an id, or as the manifest that `from` holds. Throws `backup-missing` where `from` has
 * no proved copy; never lists anything in `to` that was not compared byte for byte.
 */
export async function copyBackup(
  which: BackupId | Manifest,
  from: Catalog,
  to: Catalog,
  deps: CopyDeps,
  options: CopyOptions,
): Promise<CopyEnd> {
  const id = typeof which === 'string' ? which : which.id;
  const copy = new Copy(id, from, to, deps, options);
  const source = await copy.blame(() => provedIn(from, which, options));
  return options.replace ? await copy.repair(source) : await copy.add(source);
}

async function provedIn(
  from: Catalog,
  which: BackupId | Manifest,
  options: CopyOptions,
): Promise<Manifest> {
  const source = typeof which === 'string' ? await from.find(which, options) : which;
  if (isProved(source)) return source;
  const { name } = from.store;
  const message = `the copy of ${source.id} in store ${name} is not proved, so it is not copied`;
  throw new Failure('backup-missing', message, {
    context: { store: name, id: source.id },
    hint: `"etcd-backupd show ${source.id}" tells which proof failed or is missing.`,
  });
}

/** The work on one backup, between two stores. */
class Copy {
  readonly #id: BackupId;
  readonly #from: Catalog;
  readonly #to: Catalog;
  readonly #deps: CopyDeps;
  readonly #options: CopyOptions;
  readonly #startedMs = performance.now();
  /** Of the ways through the data that are behind: the way there, and back to compare. */
  #behindBytes = 0;
  readonly #show: NonNullable<FetchOptions['onProgress']>;

  constructor(id: BackupId, from: Catalog, to: Catalog, deps: CopyDeps, options: CopyOptions) {
    this.#id = id;
    this.#from = from;
    this.#to = to;
    this.#deps = deps;
    this.#options = options;
    const store = to.store.name;
    this.#show = everyFewMiB((doneBytes, totalBytes) => {
      deps.observe({ kind: 'copy-advanced', store, id, doneBytes, totalBytes });
    });
  }

  /** A copy that is not there at all yet. Throws what is wrong with one that is. */
  async add(source: Manifest): Promise<CopyEnd> {
    const there = await this.#orNone(this.#to.find(source.id, this.#options));
    if (there !== undefined) {
      if (isSameData(there, source)) return 'present';
      throw this.#isAnother();
    }
    const stored = await this.#put(source);
    await this.#to.commit({ ...source, proofs: { ...source.proofs, stored } }, this.#options);
    return this.#tell(source, 'copied');
  }

  /** Only what was seen to be damaged is written over, and the data before the manifest. */
  async repair(source: Manifest): Promise<CopyEnd> {
    const there = await this.#manifestThere(source.id);
    if (there === 'none') return await this.add(source);
    const told = there === 'unreadable' ? source : there;
    const isWhole = await this.#isWhole(told);
    if (isWhole && !isSameData(told, source)) throw this.#isAnother();
    if (isWhole && there !== 'unreadable' && isProved(there)) return 'present';
    const stored = isWhole ? this.#passed('read back', source) : await this.#put(source);
    if (there === 'unreadable' || !isSameData(there, source)) {
      const hold = there === 'unreadable' ? source.hold : (there.hold ?? source.hold);
      const proofs = { ...source.proofs, stored };
      await this.#to.renew({ ...source, hold, proofs }, this.#options);
    } else {
      const mend = (now: Manifest): Manifest => ({ ...now, proofs: mended(now, source, stored) });
      await this.#to.amend(source.id, mend, this.#options);
    }
    return this.#tell(source, 'repaired');
  }

  async blame<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (thrown) {
      this.#options.signal.throwIfAborted();
      this.#options.onSourceFault?.(toFailure(thrown, 'store-failed'));
      throw thrown;
    }
  }

  async #manifestThere(id: BackupId): Promise<Manifest | 'none' | 'unreadable'> {
    try {
      return (await this.#orNone(this.#to.manifest(id, this.#options))) ?? 'none';
    } catch (thrown) {
      this.#options.signal.throwIfAborted();
      if (isDamage(toFailure(thrown))) return 'unreadable';
      throw thrown;
    }
  }

  async #isWhole(manifest: Manifest): Promise<boolean> {
    try {
      const onProgress = (done: number, total: number) => this.#advance(done, total);
      await readBack(manifest, this.#to.store, { signal: this.#options.signal, onProgress });
      this.#behindBytes += manifest.sealed.sizeBytes;
      return true;
    } catch (thrown) {
      this.#options.signal.throwIfAborted();
      if (isDamage(toFailure(thrown))) return false;
      throw thrown;
    }
  }

  async #put(source: Manifest): Promise<Proof> {
    const { store } = this.#to;
    const { signal } = this.#options;
    const { sealed } = source;
    let sourceFault: Failure | undefined;
    const bytes = () => storedBytes(source, this.#from.store, { signal });
    const advance = (done: number) => this.#advance(done, sealed.sizeBytes);
    // Never with a `file`: a link to the source's own file would be the same bytes on the same
    // disk, and no copy.
    const body: Body = {
      sizeBytes: sealed.sizeBytes,
      async *open() {
        sourceFault = undefined;
        let givenBytes = 0;
        try {
          for await (const chunk of bytes()) {
            yield chunk;
            givenBytes += chunk.byteLength;
            advance(givenBytes);
          }
        } catch (thrown) {
          sourceFault = toFailure(thrown, 'store-failed');
          throw thrown;
        }
      },
    };
    try {
      const { compared } = await store.put(objectName(sealed.object), body, { signal });
      this.#behindBytes += sealed.sizeBytes;
      if (compared !== 'nothing') return this.#passed(compared, source);
    } catch (thrown) {
      signal.throwIfAborted();
      if (sourceFault !== undefined) this.#options.onSourceFault?.(sourceFault);
      throw thrown;
    }
    const onProgress = (done: number, total: number) => this.#advance(done, total);
    await readBack(source, store, { signal, onProgress });
    return this.#passed('read back', source);
  }

  #passed(compared: string, { sealed }: Manifest): Proof {
    const evidence = { compared, sizeBytes: sealed.sizeBytes, copiedFrom: this.#from.store.name };
    return { at: this.#deps.now(), outcome: 'passed', evidence };
  }

  #advance(done: number, total: number): void {
    const doneBytes = this.#behindBytes + done;
    const totalBytes = this.#behindBytes + total;
    this.#options.onProgress?.(doneBytes, totalBytes);
    this.#show(doneBytes, totalBytes);
  }

  #tell({ sealed }: Manifest, result: 'copied' | 'repaired'): CopyEnd {
    this.#deps.observe({
      kind: 'backup-copied',
      store: this.#to.store.name,
      from: this.#from.store.name,
      id: this.#id,
      result,
      sizeBytes: sealed.sizeBytes,
      tookMs: Math.round(performance.now() - this.#startedMs),
    });
    return result;
  }

  async #orNone(asked: Promise<Manifest>): Promise<Manifest | undefined> {
    try {
      return await asked;
    } catch (thrown) {
      if (thrown instanceof Failure && thrown.code === 'backup-missing') return undefined;
      throw thrown;
    }
  }

  #isAnother(): Failure {
    const id = this.#id;
    const { name } = this.#to.store;
    const message = `store ${name} already has another backup named ${id}`;
    return new Failure('object-exists', message, { context: { store: name, id } });
  }
}

function isSameData(one: Manifest, other: Manifest): boolean {
  return one.sealed.object === other.sealed.object && one.sealed.sha256 === other.sealed.sha256;
}

/** What failed on damaged data is told by the source's proofs now; what passed still holds. */
function mended(now: Manifest, source: Manifest, stored: Proof): Manifest['proofs'] {
  const good = Object.entries(now.proofs).filter(([, { outcome }]) => outcome !== 'failed');
  return { ...source.proofs, ...Object.fromEntries(good), stored };
}
