/** The Kubernetes manifests as operators get them, and what an API server says of them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import { bringKubecheck } from '../setup/kubecheck.ts';
import { run } from '../setup/program.ts';

export const shapes = ['standalone', 'sidecar', 'three-members', 'control-plane'] as const;
export type Shape = (typeof shapes)[number];

// What tests read of an object; the rest is held to the types of Kubernetes by kubecheck.
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: { readonly spec: PodSpec };
    readonly volumeClaimTemplates?: readonly Manifest[];
  };
}

export interface PodSpec {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
  readonly terminationGracePeriodSeconds: number;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly Variable[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources: { readonly requests: Readonly<Record<string, string>> };
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: unknown;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly configMapKeyRef?: { readonly name: string; readonly key: string };
  };
}

interface Source {
  readonly name?: string;
  readonly secretName?: string;
  readonly optional?: boolean;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}

export interface Volume {
  readonly name: string;
  readonly emptyDir?: { readonly sizeLimit?: string };
  readonly secret?: Source;
  readonly hostPath?: { readonly path: string };
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly projected?: {
    readonly sources: readonly { readonly configMap?: Source; readonly secret?: Source }[];
  };
}

export interface Finding {
  readonly object: string;
  readonly wrong: readonly string[];
  /** By the Pod Security standard "restricted". */
  readonly refused: readonly string[];
}

export interface Kubecheck {
  /** The objects of a kustomization, as YAML. */
  render(folder: string): Promise<string>;
  check(yaml: string): Promise<Finding[]>;
}

/** Where MUST_RUN_KUBERNETES is 1, not having it is a failure. */
export async function kubecheckHere(): Promise<
  { kubecheck: Kubecheck; skip?: never } | { kubecheck?: never; skip: string }
> {
  try {
    const program = await bringKubecheck();
    const kubecheck = {
      render: (folder: string) => run(program, ['render', folder]),
      check: async (yaml: string) => JSON.parse(await feed(program, yaml)),
    };
    return { kubecheck };
  } catch (thrown) {
    const skip = `no kubecheck: ${(thrown as Error).message.split('\n').at(-1)}`;
    if (process.env['MUST_RUN_KUBERNETES'] === '1') throw new Error(skip, { cause: thrown });
    return { skip };
  }
}

export const manifestsDir = join(import.meta.dirname, '..', '..', 'config', 'kubernetes');

export function parseManifests(yaml: string): Manifest[] {
  return parseAllDocuments(yaml).map((document) => document.toJS());
}

/** The pods of the one workload among them. */
export function podOf(manifests: readonly Manifest[]): PodSpec {
  const [pod, ...more] = manifests.flatMap(({ spec }) => spec?.template?.spec ?? []);
  if (pod === undefined || more.length > 0) throw new Error('not one workload');
  return pod;
}

export function containersOf(pod: PodSpec): Container[] {
  return [...(pod.initContainers ?? []), ...pod.containers];
}

async function feed(program: string, yaml: string): Promise<string> {
  const child = spawn(program, ['check'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(yaml);
  const [told, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0) throw new Error(`kubecheck check ended with ${code}`);
  return told;
}
