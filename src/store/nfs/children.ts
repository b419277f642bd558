/**
 * Which process works on the mount: one at a time, begun when it is needed and gone when it was
 * idle for a while. One that hangs is killed and forgotten; the system may keep it until the server
 * answers, so there is a limit on those.
 */
import { Failure } from '../../core/errors.ts';
import { type Place, placeText } from '../file-failures.ts';
import { Child } from './child.ts';

export interface ChildrenPlan extends Place {
  readonly kind: 'nfs';
  readonly mountPoint?: string | undefined;
  /** A question without an answer for this long: the server hangs. */
  readonly stallMs: number;
  readonly idleMs: number;
}

/** Each keeps some 40 MB, and a call of the system that a server may answer hours later. */
const mostStuck = 4;

export class Children {
  readonly #plan: ChildrenPlan;
  readonly #stuck = new Set<Child>();
  #current: Child | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(plan: ChildrenPlan) {
    this.#plan = plan;
  }

  /** Throws `store-failed` at once where too many hang already. */
  take(): Child {
    clearTimeout(this.#idle);
    if (this.#current?.isThere) return this.#current;
    if (this.#stuck.size >= mostStuck) throw this.#tooMany();
    this.#current = this.#start();
    return this.#current;
  }

  /** After a call: the child may rest, and leaves when nothing comes. */
  rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (this.#current?.isIdle) this.leave();
    }, this.#plan.idleMs);
    this.#idle.unref();
  }

  leave(): void {
    clearTimeout(this.#idle);
    this.#current?.leave();
    this.#current = undefined;
  }

  #start(): Child {
    const { name, kind, root, mountPoint, stallMs } = this.#plan;
    const lost = (how: string) => this.#failure(`the process that works on it is gone: ${how}`);
    const stalled = () => {
      this.#stuck.add(child);
      void child.ended.then(() => this.#stuck.delete(child));
      return this.#hangs();
    };
    const child = new Child({ name, kind, root, mountPoint }, stallMs, { stalled, lost });
    return child;
  }

  #hangs(): Failure {
    const silence = `${this.#plan.stallMs / 1000} s`;
    return this.#failure(`no answer for ${silence}: the server or the network hangs`);
  }

  #tooMany(): Failure {
    return this.#failure(`${this.#stuck.size} processes hang in its mount; no more are started`);
  }

  #failure(reason: string): Failure {
    return new Failure('store-failed', `${placeText(this.#plan)}: ${reason}`, {
      context: { store: this.#plan.name, path: this.#plan.root },
      hint: 'Look at the NFS server and the network; "umount -f" frees what waits for ever.',
    });
  }
}
