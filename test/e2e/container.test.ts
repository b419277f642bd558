/** The image: built from the Dockerfile by a real builder, and run as operators run it. */
import { chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { freePorts } from '../../src/cluster/loopback.ts';
import {
  type Images,
  importImages,
  openPodman,
  type Podman,
  podmanHere,
} from '../support/containers.ts';
import { RunningDaemon } from '../support/daemon.ts';
import { cluster, etcdctl, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, workplace } from '../support/house.ts';

const root = join(import.meta.dirname, '..', '..');
const { programs, skip } = await podmanHere();
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
const image = 'localhost/etcd-backupd:test';
/** The user of the image. */
const nobody = 65532;

async function build(podman: Podman, images: Images, platform: string, tag: string): Promise<void> {
  await podman.run([
    'build',
    // Its form knows health checks, as that of Docker's own builder does.
    ...['--format=docker', `--platform=linux/${platform}`, `--tag=${tag}`],
    ...['--network=host', '--pull=never', '--layers=false'],
    `--build-arg=NODE_IMAGE=${images.node}`,
    `--build-arg=BASE_IMAGE=${images.base}`,
    root,
  ]);
}

describe.skipIf(skip)('the image', () => {
  let podman: Podman;
  let etcd: TestCluster;
  beforeAll(async () => {
    if (programs === undefined) return;
    podman = openPodman(programs);
    await build(podman, await importImages(podman, architecture), architecture, image);
    etcd = await cluster('3.5', { members: 1 });
    await etcdctl(etcd, ['put', 'the-key', 'the value']);
  });
  afterAll(async () => {
    await etcd?.[Symbol.asyncDispose]();
    await podman?.[Symbol.asyncDispose]();
  });

  /** A daemon with nothing to write to but its spool and its store. */
  async function runContainer(name: string, place: Workplace): Promise<RunningDaemon> {
    const [port] = await freePorts(1);
    chownSync(place.storeDir, nobody, nobody);
    const config = join(place.dir, 'config.yaml');
    writeFileSync(
      config,
      stringify({
        cluster: { name: 'test', endpoints: etcd.clientUrls },
        schedule: { cron: '0 0 1 1 *', onStart: true },
        stores: [{ name: 'local', type: 'file', path: '/var/backups/etcd' }],
        http: { listen: `127.0.0.1:${port}` },
      }),
    );
    const child = podman.start([
      ...['run', `--name=${name}`, '--network=host', '--pull=never'],
      ...['--read-only', '--read-only-tmpfs=false', '--cap-drop=all'],
      // Its timers are systemd's; here it is asked by hand.
      '--health-interval=disable',
      ...['--security-opt=no-new-privileges', '--memory=256m', '--pids-limit=50'],
      `--volume=${config}:/etc/etcd-backupd/config.yaml:ro`,
      `--volume=${place.storeDir}:/var/backups/etcd`,
      image,
    ]);
    return new RunningDaemon(child, `http://127.0.0.1:${port}`);
  }

  test('backs up an etcd with a read-only root, and stops within its grace', async () => {
    using place = workplace(etcd);
    await using daemon = await runContainer('daemon', place);

    await daemon.until('backup-committed');
    const state = await podman.run(['inspect', '--format={{.State.Pid}}', 'daemon']);
    const status = readFileSync(`/proc/${state.trim()}/status`, 'utf8');
    const write = `fs.writeFileSync('/opt/etcd-backupd/written', '')`;
    const denied = podman.run(['exec', 'daemon', 'node', '-e', write]);
    await expect(denied).rejects.toThrow('EROFS');
    const began = performance.now();
    await podman.run(['stop', '--time=10', 'daemon']);

    expect(await daemon.exited).toBe(0);
    expect(performance.now() - began).toBeLessThan(9000);
    expect(daemon.of('daemon-stopped')).toHaveLength(1);
    expect(daemon.of('run-failed')).toEqual([]);
    expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
    expect(status).toMatch(/^CapEff:\t0{16}$/m);
    // What it stored is proved from outside of it.
    const verified = await runProgram(['verify', 'latest', '--deep', ...place.words()]);
    expect(verified).toMatchObject({ code: 0 });
    const shown = await runProgram(['extract', 'latest', '--prefix=the-key', ...place.words()]);
    expect(shown.stdout).toContain('the-key');
  });

  test('has a health check that tells a daemon that stands still', async () => {
    using place = workplace(etcd);
    await using daemon = await runContainer('watched', place);
    await daemon.until('backup-committed');
    const check = () => podman.run(['healthcheck', 'run', 'watched']);

    await check();
    await podman.run(['kill', '--signal=STOP', 'watched']);
    await expect(check()).rejects.toThrow();
    await podman.run(['kill', '--signal=CONT', 'watched']);
    await check();

    const told = await podman.run(['exec', 'watched', 'etcd-backupd', 'health']);
    expect(told).toBe('waiting for the next due time\n');
    await podman.run(['stop', '--time=10', 'watched']);
    expect(await daemon.exited).toBe(0);
  });

  test('is small: it has node, the compiled program and what that needs', async () => {
    const size = Number(await podman.run(['inspect', '--format={{.Size}}', image]));
    const list = `console.log(fs.readdirSync('/opt/etcd-backupd/node_modules').join(' '))`;
    const run = [
      'run',
      '--rm',
      '--pull=never',
      '--network=none',
      '--no-healthcheck',
      '--entrypoint=node',
      image,
    ];
    const packages = (await podman.run([...run, '-e', list])).trim().split(' ');

    expect(packages).toEqual(expect.arrayContaining(['etcd3', 'fastify', 'pino']));
    for (const name of ['typescript', 'vitest', '@biomejs', 'node']) {
      expect(packages).not.toContain(name);
    }
    // Of which Node.js has 120.
    expect(size).toBeLessThan(200e6);
  });
});
