/** A file store that copies where it could link, and tells how many bytes it was given. */
import { fileStore } from '../../src/store/file.ts';
import type { Body, Store } from '../../src/store/port.ts';

export function copying(root: string, take: (bytes: number) => void = () => {}): Store {
  const store = fileStore({ name: 'slow', root });
  return {
    name: store.name,
    describe: () => store.describe(),
    put: (name, body, limits) => store.put(name, withoutFile(body, take), limits),
    get: (name, wanted) => store.get(name, wanted),
    stat: (name, limits) => store.stat(name, limits),
    list: (prefix, limits) => store.list(prefix, limits),
    remove: (name, limits) => store.remove(name, limits),
    sweep: (olderThan, limits) => store.sweep(olderThan, limits),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function withoutFile({ file: _, ...body }: Body, take: (bytes: number) => void): Body {
  return {
    ...body,
    async *open() {
      for await (const chunk of body.open()) {
        take(chunk.byteLength);
        yield chunk;
      }
    },
  };
}
