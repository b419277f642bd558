/**
 * The process that works on a mount, started by `child.ts`: the same file store as elsewhere, asked
 * through the channel. It may hang in the system for ever without harm to anybody; it ends with its
 * channel, so that a daemon that was killed leaves no process behind.
 */
import { carry } from '../../core/carried-failure.ts';
import { Failure } from '../../core/errors.ts';
import { fileStore } from '../file.ts';
import type { Body, ObjectFacts, Store } from '../port.ts';
import { leaveLitter } from './litter.ts';
import { type Answer, type Asked, greeting, type Question, type Request } from './questions.ts';

/** What a signal to the whole group or to the whole service means is for the daemon to say. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

/** An unfinished put is removed before the end, if the mount lets us. */
const lastWordsMs = 5000;
const factsPerAnswer = 200;

const calls = new Map<number, Call>();
let store: Required<Store> | undefined;

class Call {
  readonly #number: number;
  readonly #stop = new AbortController();
  #asked: PromiseWithResolvers<Question> | undefined;

  constructor(number: number) {
    this.#number = number;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  hear(question: Question): void {
    if (question.kind === 'stop') this.stop();
    else this.#asked?.resolve(question);
  }

  stop(): void {
    const stopped = new Failure('stopped', 'the call was stopped');
    this.#stop.abort(stopped);
    this.#asked?.reject(stopped);
  }

  say(answer: Answer): void {
    process.send?.({ call: this.#number, answer }, () => {});
  }

  /** Answers, and waits for what is asked next. */
  async exchange(answer: Answer): Promise<Question> {
    this.signal.throwIfAborted();
    this.#asked = Promise.withResolvers();
    this.say(answer);
    if (answer.kind === 'bytes') leaveLitter(answer.bytes.byteLength);
    const question = await this.#asked.promise;
    if (question.kind === 'bytes') leaveLitter(question.bytes.byteLength);
    return question;
  }
}

async function answerCall(call: Call, request: Request, from: Required<Store>): Promise<Answer> {
  const { signal } = call;
  switch (request.kind) {
    case 'put': {
      const { name, onlyNew } = request;
      return { kind: 'done', value: await from.put(name, bodyOf(call), { signal, onlyNew }) };
    }
    case 'get': {
      const range = request.range === undefined ? {} : { range: request.range };
      for await (const bytes of from.get(request.name, { signal, ...range })) {
        await call.exchange({ kind: 'bytes', bytes });
      }
      return { kind: 'done' };
    }
    case 'stat':
      return { kind: 'done', value: await from.stat(request.name, { signal }) };
    case 'list':
      await giveFacts(call, from.list(request.prefix, { signal }));
      return { kind: 'done' };
    case 'remove':
      await from.remove(request.name, { signal });
      return { kind: 'done' };
    case 'sweep':
      return { kind: 'done', value: await from.sweep(request.olderThan, { signal }) };
    case 'examine':
      return { kind: 'done', value: await from.examine(request.probe, { signal }) };
  }
}

function bodyOf(call: Call): Body {
  const size = Promise.withResolvers<number>();
  return {
    sizeBytes: size.promise,
    async *open() {
      for (;;) {
        const question = await call.exchange({ kind: 'next' });
        if (question.kind === 'end') size.resolve(question.sizeBytes);
        if (question.kind !== 'bytes') return;
        yield question.bytes;
      }
    },
  };
}

async function giveFacts(call: Call, found: AsyncIterable<ObjectFacts>): Promise<void> {
  let facts: ObjectFacts[] = [];
  for await (const one of found) {
    facts.push(one);
    if (facts.length < factsPerAnswer) continue;
    await call.exchange({ kind: 'facts', facts });
    facts = [];
  }
  if (facts.length > 0) await call.exchange({ kind: 'facts', facts });
}

async function begin(number: number, request: Request, from: Required<Store>): Promise<void> {
  const call = new Call(number);
  calls.set(number, call);
  const answer = await answerCall(call, request, from).catch((thrown: unknown): Answer => {
    return { kind: 'failed', failure: carry(thrown) };
  });
  calls.delete(number);
  call.say(answer);
  if (!process.connected && calls.size === 0) die();
}

process.on('message', (message: Asked | Parameters<typeof fileStore>[0]) => {
  if (!('call' in message)) {
    store = fileStore(message);
    new Call(greeting).say({ kind: 'next' });
    return;
  }
  const { call, question } = message;
  const known = calls.get(call);
  if (known !== undefined) known.hear(question);
  else if (isRequest(question) && store !== undefined) void begin(call, question, store);
});

function isRequest(question: Question): question is Request {
  return !['bytes', 'end', 'more', 'stop'].includes(question.kind);
}

process.on('disconnect', () => {
  if (calls.size === 0) die();
  for (const call of calls.values()) call.stop();
  setTimeout(die, lastWordsMs);
});

/** An ordinary exit waits for the threads of the pool, which may be what hangs. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
