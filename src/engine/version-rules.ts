/** Whether an etcd of some version can serve what another version has written. */
import { Failure } from '../core/errors.ts';

export interface VersionVerdict {
  /** Whether what an older etcd would refuse is to be taken out of the database. */
  readonly forgetVersions: boolean;
  /** The oldest etcd that serves what is restored, as `3.5`; null where nobody knows. */
  readonly leastEtcd: string | null;
  readonly warning: string | null;
}

/**
 * Versions are `3.5.30` or `3.5`. Up is allowed, with a warning over more than one minor; down is
 * refused (`restore-refused`) unless forced.
 */
export function judgeVersions(
  backup: string,
  target: string | null,
  forced: boolean,
): VersionVerdict {
  const from = minorOf(backup);
  if (from === undefined) {
    const warning = 'the backup does not tell which etcd wrote it';
    return { forgetVersions: false, leastEtcd: null, warning };
  }
  const name = `${from[0]}.${from[1]}`;
  const to = target === null ? undefined : minorOf(target);
  const asWritten = { forgetVersions: false, leastEtcd: name };
  if (to === undefined) return { ...asWritten, warning: null };
  const steps = (to[0] - from[0]) * 1000 + to[1] - from[1];
  if (steps >= 0) {
    const jump = `etcd ${target} is ${steps} minors above ${name}: etcd supports one at a time`;
    return { ...asWritten, warning: steps > 1 ? jump : null };
  }
  const reason = `the backup is of etcd ${name}, and etcd ${target} is older`;
  if (!forced) {
    throw new Failure('restore-refused', `${reason}: going back is not supported by etcd`, {
      hint: `Restore with etcd ${name} or newer; --force tries it all the same.`,
    });
  }
  return { forgetVersions: true, leastEtcd: `${to[0]}.${to[1]}`, warning: `${reason}; forced` };
}

function minorOf(version: string): readonly [number, number] | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)];
}
