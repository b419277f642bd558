/**
 * The root directory of a file store: made once, at first use, and only where its parent exists.
 * Later it must stay what it was: a root that vanished, or whose disk was unmounted, fails every
 * call. Making it again would put backups on the disk below, where the mount then hides them.
 */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { Failure, systemCode } from '../core/errors.ts';
import { attempt } from './file-failures.ts';
import { syncFolder } from './file-put.ts';
import { isMountPoint, mountPointOf } from './mount.ts';

export interface RootPlan {
  /** The store's name. */
  readonly name: string;
  readonly root: string;
  /** A directory that must be a mount point whenever the store is used. */
  readonly mountPoint?: string;
}

export class FileRoot {
  readonly #plan: RootPlan;
  #mountPoint: string | undefined;

  constructor(plan: RootPlan) {
    this.#plan = plan;
  }

  /** Before every call: opens the root the first time, checks it every time. */
  async ready(): Promise<void> {
    const { root, mountPoint } = this.#plan;
    const expected = this.#mountPoint ?? mountPoint;
    if (expected !== undefined) await this.#demandMount(expected);
    if (this.#mountPoint === undefined) await this.#make();
    const found = await attempt(this.#plan, 'use', root, () => stat(root));
    if (!found.isDirectory()) throw this.#refusal(`${root} is not a directory`);
    this.#mountPoint ??= mountPoint ?? (await mountPointOf(root));
  }

  async #demandMount(mountPoint: string): Promise<void> {
    const mounted = await attempt(this.#plan, 'use', mountPoint, () => isMountPoint(mountPoint));
    if (!mounted) throw this.#refusal(`no disk is mounted at ${mountPoint}`);
  }

  async #make(): Promise<void> {
    const { root } = this.#plan;
    if (!isAbsolute(root)) throw this.#refusal(`${root} is not an absolute path`);
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
    return new Failure('store-failed', `store ${name} (file ${root}): ${reason}`, {
      cause,
      context: { store: name, path: root },
      hint: 'Mount the disk, or make the parent of the directory; only the last level is made.',
    });
  }
}
