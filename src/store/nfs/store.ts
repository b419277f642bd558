/**
 * A store in a directory of a mount that may hang: NFS, or another file system of a server. It is
 * the file store, in a process of its own. A call of the system that hangs cannot be ended: here it
 * holds neither a thread of the daemon nor its exit, and its caller is told after a limit.
 */
import { Failure } from '../../core/errors.ts';
import { type ObjectName, objectName } from '../../core/names.ts';
import { checkedBody, wholeSize } from '../body.ts';
import type {
  Body,
  ByteRange,
  Examined,
  ObjectFacts,
  PutFacts,
  PutOptions,
  Store,
} from '../port.ts';
import { checkedPrefix } from '../requests.ts';
import { Children } from './children.ts';
import type { Answer, Request } from './questions.ts';
import { Talk } from './talk.ts';

export interface NfsStoreOptions {
  readonly name: string;
  /** Absolute. Made (0700) at first use if its parent exists. */
  readonly root: string;
  /** Must be a mount point whenever the store is used. Without it the root must lie on NFS. */
  readonly mountPoint?: string | undefined;
  /** How long a call may wait for the server without any progress. */
  readonly stallMs: number;
  /** After this long without a call the process for the mount ends. */
  readonly idleMs?: number;
}

interface Limits {
  readonly signal: AbortSignal;
}

// The channel carries copies: larger pieces cost memory on both sides and are no faster.
const pieceBytes = 256 * 1024;

/** Touches nothing until it is used, and the mount never in this process. */
export function nfsStore(options: NfsStoreOptions): Required<Store> {
  return new NfsStore(options);
}

class NfsStore implements Required<Store> {
  readonly name: string;
  readonly #root: string;
  readonly #children: Children;

  constructor(options: NfsStoreOptions) {
    this.name = options.name;
    this.#root = options.root;
    this.#children = new Children({ idleMs: 60_000, ...options, kind: 'nfs' });
  }

  describe(): string {
    return `nfs ${this.#root}`;
  }

  async put(
    name: ObjectName,
    body: Body,
    { signal, onlyNew = false }: PutOptions,
  ): Promise<PutFacts> {
    const request: Request = { kind: 'put', name: objectName(name), onlyNew };
    return this.#during(signal, async (talk) => {
      // The body is read here: its failures are its own, and its progress is told as it is taken.
      let answered = talk.ask(request);
      answered.catch(() => {});
      for await (const chunk of checkedBody(body, name, signal)) {
        for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
          await answered;
          answered = talk.ask({ kind: 'bytes', bytes: chunk.subarray(at, at + pieceBytes) });
          answered.catch(() => {});
        }
      }
      await answered;
      const sizeBytes = await wholeSize(body, signal);
      return finalValue(await talk.ask({ kind: 'end', sizeBytes })) as PutFacts;
    });
  }

  async *get(
    name: ObjectName,
    { signal, range }: Limits & { range?: ByteRange },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const answer of this.#answers(
      { kind: 'get', name: objectName(name), range },
      signal,
    )) {
      if (answer.kind === 'bytes') yield answer.bytes;
    }
  }

  async stat(name: ObjectName, { signal }: Limits): Promise<ObjectFacts> {
    return (await this.#ask({ kind: 'stat', name: objectName(name) }, signal)) as ObjectFacts;
  }

  async *list(prefix: string, { signal }: Limits): AsyncGenerator<ObjectFacts, void, undefined> {
    checkedPrefix(prefix);
    for await (const answer of this.#answers({ kind: 'list', prefix }, signal)) {
      if (answer.kind !== 'facts') continue;
      for (const facts of answer.facts) {
        signal.throwIfAborted();
        yield facts;
      }
    }
  }

  async remove(name: ObjectName, { signal }: Limits): Promise<void> {
    await this.#ask({ kind: 'remove', name: objectName(name) }, signal);
  }

  async sweep(olderThan: Date, { signal }: Limits): Promise<number> {
    return (await this.#ask({ kind: 'sweep', olderThan }, signal)) as number;
  }

  async examine(probe: ObjectName, { signal }: Limits): Promise<Examined> {
    return (await this.#ask({ kind: 'examine', probe }, signal)) as Examined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#children.leave();
  }

  async #during<T>(signal: AbortSignal, work: (talk: Talk) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      await using talk = new Talk(this.#children.take(), signal);
      return await work(talk);
    } finally {
      this.#children.rest();
    }
  }

  #ask(request: Request, signal: AbortSignal): Promise<unknown> {
    return this.#during(signal, async (talk) => finalValue(await talk.ask(request)));
  }

  /** While one answer is looked at, the next is on its way. */
  async *#answers(request: Request, signal: AbortSignal): AsyncGenerator<Answer, void, undefined> {
    signal.throwIfAborted();
    try {
      await using talk = new Talk(this.#children.take(), signal);
      let answer = await talk.ask(request);
      while (answer.kind !== 'done') {
        const next = talk.ask({ kind: 'more' });
        next.catch(() => {});
        yield answer;
        signal.throwIfAborted();
        answer = await next;
      }
    } finally {
      this.#children.rest();
    }
  }
}

function finalValue(answer: Answer): unknown {
  if (answer.kind === 'done') return answer.value;
  throw new Failure('internal', `the process for a mount answered ${answer.kind} too early`);
}
