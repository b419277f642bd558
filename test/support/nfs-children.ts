/** The processes that stores of type nfs have started, seen from outside. */
import { readdirSync, readFileSync } from 'node:fs';

/** Ids of the processes for mounts that `parent` has, without those that have ended. */
export function childrenOf(parent: number = process.pid): number[] {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return ids.map(Number).filter((id) => {
    const [state, ppid] = statOf(id);
    return ppid === String(parent) && state !== 'Z' && isForMount(id);
  });
}

/** Whether a process is there; one whose thread hangs is, though the rest of it has ended. */
export function isRunning(id: number): boolean {
  return tasksOf(id).some((task) => {
    const [state = ''] = statOf(`${id}/task/${task}`);
    return state !== '' && state !== 'Z' && state !== 'X';
  });
}

function tasksOf(id: number): string[] {
  try {
    return readdirSync(`/proc/${id}/task`);
  } catch {
    return [];
  }
}

/** State, parent and more; the first is empty where there is no such process. */
function statOf(id: number | string): string[] {
  return (read(`/proc/${id}/stat`).split(') ').at(-1) ?? '').split(' ');
}

function isForMount(id: number): boolean {
  return read(`/proc/${id}/cmdline`).includes('store/nfs/child-process');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended while we looked.
    return '';
  }
}
