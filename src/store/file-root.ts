/**
 * The root directory of a file store: made once, at first use, and only where its parent exists.
 * Later it must stay what it was: a root that vanished, or whose disk was unmounted, fails every
 * call. Making it again would put backups on the disk below, where the mount then hides them.
 */
import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { Failure, systemCode } from '../core/errors.ts';
import { attempt, attemptTwice, isAbsent, type Place, placeText } from './file-failures.ts';
import { syncFolder } from './file-put.ts';
import { isMountPoint, isOnNfs, mountPointOf } from './mount.ts';

export interface RootPlan extends Place {
  /**
   * A directory at or above the root that must be a mount point whenever the store is used.
   * Without it, the root of a store of kind `nfs` must lie on a mount of type NFS.
   */
  readonly mountPoint?: string | undefined;
}

export class FileRoot {
  readonly #plan: RootPlan;
  #mountPoint: string | undefined;

  constructor(plan: RootPlan) {
    this.#plan = plan;
  }

  /** Before every call: opens the root the first time, checks it every time. */
  async ready(): Promise<void> {
    const { root, kind, mountPoint } = this.#plan;
    if (!isAbsolute(root)) throw this.#refusal(`${root} is not an absolute path`);
    const expected = this.#mountPoint ?? mountPoint;
    if (expected !== undefined) await this.#demandMount(expected);
    if (kind === 'nfs' && mountPoint === undefined) await this.#demandNfs();
    if (this.#mountPoint === undefined) await this.#make();
    const found = await attemptTwice(this.#plan, 'use', root, () => stat(root));
    if (!found.isDirectory()) throw this.#refusal(`${root} is not a directory`);
    this.#mountPoint ??= mountPoint ?? (await mountPointOf(root));
  }

  async #demandMount(mountPoint: string): Promise<void> {
    const mounted = await attemptTwice(this.#plan, 'use', mountPoint, () =>
      isMountPoint(mountPoint),
    );
    if (!mounted) throw this.#refusal(`no disk is mounted at ${mountPoint}`);
    // A link may lead out of the mount again.
    const place = await this.#real(await this.#nearest());
    const point = await this.#real(mountPoint);
    if (`${place}/`.startsWith(point === '/' ? point : `${point}/`)) return;
    throw this.#refusal(`${place} is not below ${point}`);
  }

  #real(path: string): Promise<string> {
    return attemptTwice(this.#plan, 'use', path, () => realpath(path));
  }

  async #demandNfs(): Promise<void> {
    const place = await this.#nearest();
    if (await attemptTwice(this.#plan, 'use', place, () => isOnNfs(place))) return;
    throw this.#refusal(`no NFS is mounted at or above ${place}`);
  }

  /** The root, or where it would be made. */
  async #nearest(): Promise<string> {
    const { root } = this.#plan;
    try {
      await attemptTwice(this.#plan, 'use', root, () => stat(root));
      return root;
    } catch (thrown) {
      if (isAbsent(thrown) && this.#mountPoint === undefined) return dirname(root);
      throw thrown;
    }
  }

  async #make(): Promise<void> {
    const { root } = this.#plan;
    try {
      await mkdir(root, { mode: 0o700 });
    } catch (thrown) {
      if (systemCode(thrown) === 'EEXIST') return;
      if (systemCode(thrown) === 'ENOENT') {
        throw this.#refusal(`${dirname(root)} does not exist; is its disk mounted?`, thrown);
      }
      await attempt(this.#plan, 'make', root, () => Promise.reject(thrown));
    }
    await attempt(this.#plan, 'sync', dirname(root), () => syncFolder(dirname(root)));
  }

  #refusal(reason: string, cause?: unknown): Failure {
    const { name, root } = this.#plan;
    return new Failure('store-failed', `${placeText(this.#plan)}: ${reason}`, {
      cause,
      context: { store: name, path: root },
      hint: 'Mount the disk, or make the parent of the directory; only the last level is made.',
    });
  }
}
