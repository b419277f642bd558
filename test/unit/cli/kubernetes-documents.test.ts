/** What the documents for Kubernetes tell people to type. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { programVersion } from '../../../src/core/version.ts';
import { call, complaintOf, place } from './calling.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const shown = readFileSync(join(root, 'docs', 'restoring-kubernetes.md'), 'utf8')
  .matchAll(/^```sh\n([\s\S]*?)^```$/gm)
  .flatMap(([, block = '']) => block.trim().split('\n'))
  .toArray();

/** Lines that begin with the program, or run it in a container. */
const ours = shown.flatMap((line) => /(?:^|-- )etcd-backupd (.*)$/.exec(line)?.[1] ?? []);

function wordsOf(line: string): string[] {
  return line.replace('"$(hostname)"', 'node-1').split(' ');
}

test('config/kubernetes names the image of this version', () => {
  const dir = join(root, 'config', 'kubernetes');
  const all = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('');

  const tags = [...all.matchAll(/image: \S+\/etcd-backupd:(\S+)/g)].map(([, tag]) => tag);
  expect(tags).toEqual(Array(4).fill(programVersion));
});

describe('docs/restoring-kubernetes.md', () => {
  test('has the commands of a restore', () => {
    const names = new Set(ours.map((line) => line.split(' ')[0]));

    expect(ours.length).toBeGreaterThan(12);
    expect([...names].sort()).toEqual(['backup', 'check', 'list', 'member', 'restore', 'verify']);
    expect(shown.join('\n')).not.toContain('\\\n');
  });

  test.for([...new Set(ours)])('shows a command that is understood: %s', async (line) => {
    const { words } = place();

    const told = await call([...wordsOf(line), ...words]);

    // Nothing is there to work with: it fails at that, and not at how it was asked.
    expect(['success', 'backup-missing', 'cluster-unreachable', 'no-source']).toContain(told.code);
  });

  test('would show a command that is not understood', async () => {
    const { words } = place();

    const told = await call([...wordsOf(ours[0] ?? ''), '--newest', ...words]);

    expect(complaintOf(told)).toContain("Unknown option '--newest'");
  });

  test('names containers, pods and claims that the StatefulSet has', () => {
    const path = join(root, 'config', 'kubernetes', 'sidecar', 'statefulset.yaml');
    const [set] = parseAllDocuments(readFileSync(path, 'utf8')).map((one) => one.toJS());
    const { template, volumeClaimTemplates } = set.spec;
    const named = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name);
    const containers = named([...template.spec.initContainers, ...template.spec.containers]);
    const claims = volumeClaimTemplates.map((one: typeof set) => one.metadata.name);

    const all = shown.filter((line) => line.startsWith('kubectl ')).join('\n');
    const of = (pattern: RegExp): Set<string> =>
      new Set(all.matchAll(pattern).map(([, name = '']) => name));
    expect(containers).toEqual(expect.arrayContaining([...of(/--container (\S+)/g)]));
    expect(of(/persistentvolumeclaim (\w+)-etcd-\d/g)).toEqual(new Set(['data']));
    expect(claims).toContain('data');
    expect(of(/statefulset[ /](\S+)/g)).toEqual(new Set([set.metadata.name]));
    expect(of(/(?:exec|logs|pod)[ /](\S+)-\d\b/g)).toEqual(new Set([set.metadata.name]));
  });
});
