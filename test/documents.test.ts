/** Texts in the repository that are made from the code, held equal to what the code makes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { commandReference } from '../packaging/reference.ts';
import { loadCommands } from '../src/cli/program.ts';
import { leavesOf } from '../src/config/entry.ts';
import { configExample } from '../src/config/example.ts';
import { loadConfig } from '../src/config/load.ts';
import { configReference } from '../src/config/reference.ts';
import { schema } from '../src/config/schema.ts';
import { storeSection } from '../src/config/store-schema.ts';
import { apiDocument } from '../src/http/routes.ts';
import type { ApiDocument } from './support/api-answers.ts';
import { apiReference } from './support/api-reference.ts';
import { makeCertificates } from './support/certificates.ts';

const root = join(import.meta.dirname, '..');

/** With UPDATE_GOLDEN=1 in the environment the committed text is written instead of compared. */
function expectCommitted(name: string, made: string): void {
  const path = join(root, name);
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, made);
  }
  expect(readFileSync(path, 'utf8')).toBe(made);
}

test('docs/configuration.md is what the schema renders', () => {
  expectCommitted('docs/configuration.md', configReference());
});

test('config/etcd-backupd.example.yaml is what the schema renders', () => {
  expectCommitted('config/etcd-backupd.example.yaml', configExample());
});

test('docs/reference.md is what the commands say of themselves', async () => {
  expectCommitted('docs/reference.md', commandReference(await loadCommands()));
});

test('config/kubernetes has the alerts as the Prometheus operator wants them', () => {
  const rules = readFileSync(join(root, 'config', 'prometheus', 'alerts.yaml'), 'utf8');
  const indented = rules.slice(rules.indexOf('groups:')).replaceAll(/^(?=.)/gm, '  ');

  expectCommitted('config/kubernetes/monitoring/prometheusrule.yaml', prometheusRule(indented));
});

function prometheusRule(spec: string): string {
  return `# Made from config/prometheus/alerts.yaml, by a test.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: etcd-backupd
spec:
${spec}`;
}

test('docs/api.md is what the routes render', () => {
  expectCommitted('docs/api.md', apiReference(apiDocument() as unknown as ApiDocument));
});

/** Loads a text of the example with its paths moved into a folder that has what they name. */
function loadMoved(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'example-'));
  try {
    const { ca, client, server } = makeCertificates(join(folder, 'made'));
    for (const below of ['etc/etcd-backupd/tls', 'etc/etcd-backupd/tokens', 'var/backups']) {
      mkdirSync(join(folder, below), { recursive: true });
    }
    const copies = {
      'tls/ca.crt': ca,
      'tls/client.crt': client.cert,
      'tls/client.key': client.key,
      'tls/client-ca.crt': ca,
      'tls/server.crt': server.cert,
      'tls/server.key': server.key,
    };
    const save = (name: string, content: string) =>
      writeFileSync(join(folder, 'etc/etcd-backupd', name), content, { mode: 0o600 });
    for (const [name, from] of Object.entries(copies)) save(name, readFileSync(from, 'utf8'));
    for (const name of ['password', 'tokens/read', 'tokens/operate', 'tokens/restore']) {
      save(name, `secret-of-${name}`);
    }
    const file = join(folder, 'config.yaml');
    writeFileSync(file, text.replaceAll(/(?<=: )\/(etc|var)\//g, `${folder}/$1/`));
    const cronFault = () => null;
    return loadConfig({ file, env: {}, flags: [], cronFault, checkFiles: true, today: new Date() });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the example loads without a problem or a warning', () => {
  const { config, warnings } = loadMoved(configExample());

  expect(warnings).toEqual([]);
  expect(config.cluster.endpoints).toHaveLength(3);
  expect(config.stores.map((store) => store.name)).toEqual(['local']);
});

test('every commented key of the example loads when "# " is taken away', () => {
  const names = [...leavesOf(schema), ...leavesOf(storeSection)].map(({ key }) => leafOf(key));
  const commented = new RegExp(`^( *)# ((?:${names.join('|')}): .*)$`, 'gm');
  const uncommented = configExample().replaceAll(commented, '$1$2');

  const { config } = loadMoved(uncommented);

  expect(configExample().match(commented)?.length).toBeGreaterThan(40);
  expect(config.cluster.auth?.username).toBe('backup');
});

function leafOf(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}
