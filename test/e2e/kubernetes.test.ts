/** The manifests: what an API server says of them, and what they promise about etcd. */
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { parseSize } from '../../src/core/units.ts';
import {
  containersOf,
  kubecheckHere,
  type Manifest,
  manifestsDir,
  parseManifests,
  podOf,
  type Shape,
  shapes,
} from '../support/manifests.ts';

const { kubecheck, skip } = await kubecheckHere();

describe.skipIf(skip)('the manifests for Kubernetes', () => {
  const render = (shape: string): Promise<string> => kubecheck!.render(join(manifestsDir, shape));
  const read = async (shape: Shape): Promise<Manifest[]> => parseManifests(await render(shape));

  /** What the daemon makes of the ConfigMap of a shape. */
  async function settingsOf(shape: Shape) {
    const text = (await read(shape)).flatMap(({ data }) => data?.['config.yaml'] ?? [])[0] ?? '';
    const folder = mkdtempSync(join(tmpdir(), 'manifests-'));
    try {
      const file = join(folder, 'config.yaml');
      writeFileSync(file, text);
      return loadConfig({ file, env: {}, flags: [], cronFault: () => null });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** A shape as part of somebody's own kustomization, with the component for Prometheus. */
  async function renderWatched(shape: Shape): Promise<string> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'watched-')));
    // kustomize takes no absolute paths.
    const of = (name: string): string => relative(folder, join(manifestsDir, name));
    const own = `resources: [${of(shape)}]\ncomponents: [${of('monitoring')}]\n`;
    try {
      writeFileSync(join(folder, 'kustomization.yaml'), own);
      return await kubecheck!.render(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test.for(shapes)(
    'of shape %s are taken by an API server, without a wrong field',
    async (shape) => {
      const found = await kubecheck!.check(await renderWatched(shape));

      expect(found.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
      const kinds = found.map(({ object }) => object.split('/')[0]);
      expect(kinds).toEqual(expect.arrayContaining(['ConfigMap', 'PodMonitor', 'PrometheusRule']));
      expect(
        kinds.filter((kind) => /^(Deployment|StatefulSet|DaemonSet)$/.test(kind!)),
      ).toHaveLength(1);
    },
  );

  const mistakes: Readonly<Record<string, readonly [from: string, to: string, says: string]>> = {
    'a field that is misspelt': ['periodSeconds:', 'periodSecond:', 'unknown field "spec.template'],
    'a field at the wrong depth': ['hostNetwork: true', 'spool: true', 'unknown field'],
    'a number that is a word': ['containerPort: 9379', 'containerPort: http', 'cannot unmarshal'],
    'a quantity that is none': ['memory: 256Mi', 'memory: 256MB', 'quantities must match'],
    'a mount of no volume': ['name: spool\n', 'name: spol\n', 'Not found: "spool"'],
    'a request above its limit': ['memory: 128Mi', 'memory: 512Mi', 'less than or equal to memory'],
    'a probe in the past': [
      'periodSeconds: 30',
      'periodSeconds: -30',
      'greater than or equal to 0',
    ],
    'alerts of another kind': ['kind: PrometheusRule', 'kind: PodMonitor', 'unknown field'],
  };

  test.for(Object.entries(mistakes))('are refused with %s', async ([, [from, to, says]]) => {
    const whole = await renderWatched('control-plane');
    // The last one: of a volume and its mounts, the volume.
    const at = whole.lastIndexOf(from);

    const found = await kubecheck!.check(whole.slice(0, at) + to + whole.slice(at + from.length));

    expect(at).toBeGreaterThan(0);
    expect(found.flatMap(({ wrong }) => wrong).join('\n')).toContain(says);
  });

  test.for(shapes)('of shape %s fit the Pod Security standard "restricted"', async (shape) => {
    const found = await kubecheck!.check(await render(shape));

    // What a daemon beside a static pod cannot do without, and no more.
    const host = [
      'host namespaces: hostNetwork=true',
      'hostPort: container "etcd-backupd" uses hostPort 9379',
      'restricted volume types: volume "backups" uses restricted volume type "hostPath"',
    ];
    const refused = found.flatMap((each) => each.refused);
    expect(refused).toEqual(shape === 'control-plane' ? host : []);
  });

  test.for(shapes)('of shape %s give no container a file system or a secret', async (shape) => {
    const containers = containersOf(podOf(await read(shape)));

    for (const { name, securityContext, env = [] } of containers) {
      expect([name, securityContext['readOnlyRootFilesystem']]).toEqual([name, true]);
      // A variable is seen by whoever may look at the process.
      expect(env.filter(({ valueFrom }) => valueFrom && 'secretKeyRef' in valueFrom)).toEqual([]);
    }
  });

  test.for(shapes)('of shape %s leave the daemon its spool and its time', async (shape) => {
    const pod = podOf(await read(shape));
    const { config, warnings } = await settingsOf(shape);

    const limit = pod.volumes.find(({ name }) => name === 'spool')?.emptyDir?.sizeLimit ?? '';
    // An eviction takes the whole pod: the daemon has to give up before.
    expect(parseSize(`${limit}B`)).toBeGreaterThan(2 * config.spool.maxBytes);
    expect(config.spool.maxBytes).toBeGreaterThan(0);
    const grace = pod.terminationGracePeriodSeconds * 1000;
    expect(grace).toBeGreaterThanOrEqual(config.schedule.drainLimitMs + 60_000);
    // Certificates are the cluster's own; docs/installing.md tells what to do about it.
    expect(warnings).toEqual([expect.stringMatching(/^http\.tokens: plain http on http\.listen/)]);
  });

  test.for(['sidecar', 'three-members'] as const)('of shape %s put etcd first', async (shape) => {
    const { initContainers = [], containers } = podOf(await read(shape));
    const [etcd, daemon] = containers;

    expect([etcd?.name, daemon?.name]).toEqual(['etcd', 'etcd-backupd']);
    const memory = (of: typeof etcd): number => parseSize(`${of?.resources.requests['memory']}B`);
    expect(memory(etcd)).toBeGreaterThan(4 * memory(daemon));
    expect([etcd?.resources.requests['cpu'], daemon?.resources.requests['cpu']]).toEqual([
      '1',
      '50m',
    ]);
    // Any of these would take a healthy etcd out of its service.
    expect([daemon?.readinessProbe, daemon?.startupProbe]).toEqual([undefined, undefined]);
    expect(initContainers.map(({ name, image }) => [name, image])).toEqual([
      ['init', daemon?.image],
    ]);
  });

  test('come with a kustomization for every folder that the documents name', () => {
    const text = readFileSync(join(manifestsDir, '..', '..', 'docs', 'installing.md'), 'utf8');
    const named = [...text.matchAll(/config\/kubernetes\/([a-z-]+)/g)].map(([, name]) => name);

    expect(new Set(named)).toEqual(new Set([...shapes, 'monitoring']));
  });
});
