/** The program as two texts: the main one, and the one of the proving thread. */
import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

/** What is found beside the program where it is many files, and inside it where it is one. */
const replaced: Readonly<Record<string, string>> = {
  './prover-program.ts': join(root, 'packaging', 'single', 'prover-program.ts'),
  './child-program.ts': join(root, 'packaging', 'single', 'child-program.ts'),
  '@node-rs/crc32': join(root, 'packaging', 'single', 'crc32.ts'),
};

/** Bundles one entry with everything that it imports into one CommonJS text. */
export async function bundle(entry: string): Promise<string> {
  await using build = await rolldown({
    input: join(root, entry),
    platform: 'node',
    plugins: [inside, etcdProtocol],
    onLog: (level, log) => {
      if (level === 'warn' && log.code !== 'EVAL') throw new Error(`${entry}: ${log.message}`);
    },
  });
  const { output } = await build.generate({ format: 'cjs', codeSplitting: false });
  if (output.length !== 1) throw new Error(`${entry} became ${output.length} files`);
  return narrow(withoutImports(output[0]));
}

/** `import()` of Node's own modules becomes `require`: a text with a code cache has only that. */
function withoutImports({ code, fileName, dynamicImports }: OutputChunk): string {
  let text = code;
  for (const name of dynamicImports.filter((imported) => imported !== fileName)) {
    if (!isBuiltin(name)) throw new Error(`${fileName} would import ${name} when it runs`);
    const wanted = `import("${name}")`;
    if (!text.includes(wanted)) throw new Error(`${fileName} imports ${name} in another way now`);
    text = text.replaceAll(wanted, () => `Promise.resolve(require("${name}"))`);
  }
  return text;
}

/** V8 keeps all of a text in two bytes each where one character of it needs them. */
function narrow(text: string): string {
  if (/\\[^\0-\xff]/.test(text)) throw new Error('a wide character is escaped by itself');
  return text.replace(/[^\0-\xff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** The native CRC-32C for this machine. */
export function nativeCrc32(): Buffer {
  const { platform, arch } = process;
  const file = `@node-rs/crc32-${platform}-${arch}-gnu/crc32.${platform}-${arch}-gnu.node`;
  return readFileSync(createRequire(require.resolve('@node-rs/crc32')).resolve(file));
}

const inside: Plugin = {
  name: 'inside',
  resolveId: (source) => replaced[source] ?? null,
};

/** etcd3 reads the definition of etcd's protocol from a file beside it: it becomes a constant. */
const etcdProtocol: Plugin = {
  name: 'etcd-protocol',
  transform(code, id) {
    if (!/etcd3\/lib\/connection-pool\.js$/.test(id)) return null;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what stands there
    const read = '(0, proto_loader_1.loadSync)(`${__dirname}/../proto/rpc.proto`,';
    if (!code.includes(read)) throw new Error('etcd3 reads its protocol in another way now');
    const loader = createRequire(id).resolve('@grpc/proto-loader');
    const protobuf = createRequire(loader)('protobufjs');
    const proto = join(dirname(id), '..', 'proto', 'rpc.proto');
    const protocol = JSON.stringify(
      new protobuf.Root().loadSync(proto, { keepCase: true }).toJSON(),
    );
    return code.replace(read, () => `(0, proto_loader_1.fromJSON)(${protocol},`);
  },
};
