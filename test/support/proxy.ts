import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What happens to bytes on their way. A new fault counts for open connections at once. */
export type Fault =
  | { readonly kind: 'pass' }
  /** Every connection, open or new, is reset. */
  | { readonly kind: 'reset' }
  /** Sockets stay open, no byte and no end comes through: a half-open connection. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'trickle'; readonly bytesPerSecond: number }
  /** Passes exactly so many bytes of each connection from now on in one direction, then resets. */
  | { readonly kind: 'cut'; readonly afterBytes: number; readonly direction: Direction };

export type Direction = 'to-client' | 'to-server';

export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** The target's URL with the proxy's port in it. */
  readonly url: string;
  /** Connections that are open now. */
  readonly open: number;
  /** Bytes that have passed in all. */
  readonly passed: Readonly<Record<Direction, number>>;
  inject(fault: Fault): void;
  /**
   * The fault begins behind the next bytes to the server that begin like this: at one request,
   * which arrives. Resolves when that has happened.
   */
  injectBehind(request: RegExp, fault: Fault): Promise<void>;
}

/** A TCP proxy on a free loopback port that can be made to misbehave while it runs. */
export async function startProxy(targetUrl: string): Promise<FaultProxy> {
  const target = new URL(targetUrl);
  const state = new ProxyState();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const port = Number(target.port);
    const upstream = connect({ host: target.hostname, port, allowHalfOpen: true });
    state.join(client, upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${target.protocol}//127.0.0.1:${port}`,
    passed: state.passed,
    get open() {
      return state.open;
    },
    inject: (fault) => state.inject(fault),
    injectBehind: (request, fault) => state.injectBehind(request, fault),
    async [Symbol.asyncDispose]() {
      state.inject({ kind: 'reset' });
      server.close();
      await once(server, 'close');
    },
  };
}

class ProxyState {
  readonly passed: Record<Direction, number> = { 'to-client': 0, 'to-server': 0 };
  #fault: Fault = { kind: 'pass' };
  #awaited: { readonly request: RegExp; readonly begin: () => void } | undefined;
  readonly #changed = new EventEmitter().setMaxListeners(0);
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  get open(): number {
    return this.#pairs.size;
  }

  injectBehind(request: RegExp, fault: Fault): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = { request, begin: () => resolve(this.inject(fault)) };
    });
  }

  inject(fault: Fault): void {
    this.#fault = fault;
    this.#awaited = undefined;
    this.#changed.emit('fault');
    if (fault.kind === 'reset') for (const pair of this.#pairs) reset(pair);
  }

  join(client: Socket, upstream: Socket): void {
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      // An error ends the pair by "close"; it needs no other answer.
      socket.on('error', () => {});
      socket.on('close', (hadError) => {
        if (hadError) reset(pair);
        else for (const other of pair) other.destroySoon();
        this.#pairs.delete(pair);
        this.#changed.emit('fault');
      });
    }
    if (this.#fault.kind === 'reset') reset(pair);
    // A pump ends in an error when its socket is destroyed, which is how connections end here.
    this.#pump(client, upstream, 'to-server').catch(() => reset(pair));
    this.#pump(upstream, client, 'to-client').catch(() => reset(pair));
  }

  async #pump(source: Socket, sink: Socket, direction: Direction): Promise<void> {
    let counting: Fault | undefined;
    let sinceFault = 0;
    // Not iterated with "for await", which would destroy the source at its end, half-open or not.
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      let rest: Buffer = chunk;
      const awaited = direction === 'to-server' ? this.#awaited : undefined;
      while (rest.length > 0) {
        const fault = await this.#whileSilent(sink);
        if (fault !== counting) [counting, sinceFault] = [fault, 0];
        const part = rest.subarray(0, share(fault, { direction, sinceFault }));
        rest = rest.subarray(part.length);
        if (part.length > 0) await write(sink, part);
        this.passed[direction] += part.length;
        sinceFault += part.length;
        if (fault.kind === 'trickle') await sleep((part.length / fault.bytesPerSecond) * 1000);
        const isCut = fault.kind === 'cut' && fault.direction === direction;
        if (isCut && sinceFault >= fault.afterBytes) throw new Error('cut');
      }
      if (awaited?.request.test(chunk.toString('latin1', 0, 1000)) === true) awaited.begin();
    }
    await this.#whileSilent(sink);
    sink.end();
  }

  async #whileSilent(sink: Socket): Promise<Fault> {
    while (this.#fault.kind === 'silence' && !sink.destroyed) await once(this.#changed, 'fault');
    return this.#fault;
  }
}

function share(
  fault: Fault,
  { direction, sinceFault }: { readonly direction: Direction; readonly sinceFault: number },
): number {
  if (fault.kind === 'trickle') return Math.max(1, Math.floor(fault.bytesPerSecond / 20));
  if (fault.kind === 'cut' && fault.direction === direction) return fault.afterBytes - sinceFault;
  return Number.POSITIVE_INFINITY;
}

// Resolves when the kernel has the bytes: a reset right after must not overtake them.
function write(sink: Socket, part: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(part, (error) => (error ? reject(error) : resolve()));
  });
}

function reset(pair: readonly Socket[]): void {
  for (const socket of pair) if (!socket.destroyed) socket.resetAndDestroy();
}
