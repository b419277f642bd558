/** A daemon beside kubeadm's etcd, and the restore that the document tells, word for word. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ControlPlane } from '../support/control-plane.ts';
import { RunningDaemon } from '../support/daemon.ts';
import { manifestsDir, parseManifests, podOf } from '../support/manifests.ts';
import { Pod, podsHere } from '../support/pods.ts';

const { kubecheck, skip } = await podsHere();

const docs = join(import.meta.dirname, '..', '..', 'docs');
const text = (name: string): string => readFileSync(join(docs, name), 'utf8');

/** The lines of the shell between two headlines. */
function linesOf(from: string, to: string): string[] {
  const document = text('restoring-kubernetes.md');
  const part = document.slice(document.indexOf(from), document.indexOf(to));
  const blocks = [...part.matchAll(/^```sh\n([\s\S]*?)^```$/gm)];
  return blocks.flatMap(([, block = '']) => block.trim().split('\n'));
}

const before = linesOf('### Before it happens', '### One node failed');
const restore = linesOf('### The cluster is lost', '## The StatefulSet');

async function openPod(node: ControlPlane): Promise<Pod> {
  const manifests = parseManifests(await kubecheck!.render(join(manifestsDir, 'control-plane')));
  const { ca, client } = node.certificates;
  const read = (path: string): string => readFileSync(path, 'utf8');
  return new Pod({
    spec: podOf(manifests),
    manifests,
    fields: { 'spec.nodeName': node.name },
    secrets: {
      'etcd-backupd-tokens': { operate: 'a-token-that-nobody-guesses' },
      'etcd-client-tls': {
        'ca.crt': read(ca),
        'tls.crt': read(client.cert),
        'tls.key': read(client.key),
      },
    },
    lasting: { backups: node.path('/var/backups/etcd') },
    etcdDir: node.etcdDir,
    network: node.network,
    host: node.name,
  });
}

describe.skipIf(skip)('a control plane of kubeadm', () => {
  test('is backed up by the DaemonSet, and goes back to it by the words of the document', async () => {
    await using node = await ControlPlane.open('node-1');
    const follow = async (lines: readonly string[]): Promise<string> => {
      let told = '';
      for (const line of lines) {
        const ran = await node.sh(line);
        const said = ran.code === 0 ? '' : ran.stderr;
        expect([line, ran.code, said]).toEqual([line, 0, '']);
        told += ran.stdout;
        await node.kubelet();
      }
      return told;
    };
    await node.kubelet();
    await node.etcdctl('put the-key "the value"');
    await follow(text('installing.md').match(/^install --directory .*$/m) ?? []);
    await using pod = await openPod(node);
    await using daemon = new RunningDaemon(pod.start('etcd-backupd'), '');
    await daemon.until('backup-committed');
    const probes = [
      await pod.probe('etcd-backupd', 'livenessProbe'),
      await pod.probe('etcd-backupd', 'readinessProbe'),
    ];
    const [, config = ''] =
      /^```yaml\n([\s\S]*?)^```$/m.exec(text('restoring-kubernetes.md')) ?? [];
    node.save('/etc/etcd-backupd/config.yaml', config);

    const prepared = await follow(before);
    await node.etcdctl('del the-key');
    const told = await follow(restore);
    const found = await node.etcdctl('get the-key --write-out=json');

    expect(before).toHaveLength(2);
    expect(prepared).toContain('dry run: /var/lib/etcd could be restored');
    expect(restore.length).toBeGreaterThan(8);
    expect(told).toContain('restored: /var/lib/etcd is member node-1 of a new cluster');
    const { header, kvs } = JSON.parse(found.stdout);
    expect(Buffer.from(kvs[0].value, 'base64').toString()).toBe('the value');
    expect(header.revision).toBeGreaterThan(1_000_000_000);
    const beside = readdirSync(node.path('/var/lib')).filter((name) => name.startsWith('etcd.'));
    expect(beside).toEqual([expect.stringMatching(/^etcd\.before-restore-/)]);
    expect(readdirSync(node.path('/etc/kubernetes/manifests'))).toHaveLength(4);

    // What root has stored meanwhile, the daemon's user can read.
    const verified = await pod.exec('etcd-backupd', ['etcd-backupd', 'verify', 'latest']);
    await pod.stop();
    expect(verified).toMatchObject({ code: 0 });
    expect(probes).toEqual([200, 200]);
    expect(await daemon.exited).toBe(0);
    expect(daemon.of('run-failed')).toEqual([]);
  });
});
