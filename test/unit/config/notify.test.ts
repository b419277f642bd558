/** Pings and webhooks in the configuration. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { configEffective } from '../../../src/config/effective.ts';
import { configExample } from '../../../src/config/example.ts';
import { webhookSection } from '../../../src/config/notify-schema.ts';
import { Secret } from '../../../src/core/secret.ts';
import { leastYaml, load, problemsOf } from './loading.ts';

const hook = 'https://hooks.example.org/T000/hunter2';

function notify(text: string): string {
  return `${leastYaml}\nnotify:\n${text.replaceAll(/^/gm, '  ')}`;
}

const webhook = (more = '') => notify(`webhooks:\n  - { name: chat, url: "${hook}"${more} }`);

describe('a webhook', () => {
  test('needs a name and a URL, and is told what matters', () => {
    const { config } = load({ yaml: webhook() });

    expect(config.notify.webhooks).toEqual([
      {
        name: 'chat',
        url: expect.any(Secret),
        events: expect.arrayContaining(['backup-failed', 'backup-recovered', 'store-failed']),
        method: 'POST',
        headers: {},
        template: null,
        ca: null,
        insecureHttp: false,
        timeoutMs: 10_000,
        retries: 4,
      },
    ]);
    expect(config.notify.webhooks[0]?.events).not.toContain('backup-succeeded');
  });

  test('takes all of its keys, in the file, in a variable and as a flag', () => {
    const text =
      '[{ name: chat, url: /etc/hook, events: "drill-failed,store-failed", method: PUT, ' +
      'headers: "Authorization=/etc/auth,X-Key=/etc/key", template: \'{"a":"{{text}}"}\', ' +
      'ca: /etc/ca.crt, insecureHttp: true, timeout: 3s, retries: 0 }]';
    const all = [
      load({ yaml: notify(`webhooks: ${text}`) }),
      load({ env: { ETCD_BACKUPD_NOTIFY_WEBHOOKS: text } }),
      load({ flags: [`--notify.webhooks=${text}`] }),
    ].map(({ config }) => config.notify.webhooks);

    expect(all[0]).toMatchObject([
      {
        url: { file: '/etc/hook' },
        events: ['drill-failed', 'store-failed'],
        headers: { Authorization: '/etc/auth', 'X-Key': '/etc/key' },
        timeoutMs: 3000,
        retries: 0,
      },
    ]);
    expect(all[1]).toEqual(all[0]);
    expect(all[2]).toEqual(all[0]);
  });

  test('and the ping keep their URLs to themselves', () => {
    const loaded = load({
      yaml: `${webhook(', headers: "A=/etc/a", template: "to hunter2"')}\n  ping: { success: "${hook}" }`,
    });

    const shown = configEffective(loaded) + JSON.stringify(loaded);

    expect(shown).not.toContain('hunter2');
    expect(shown).toContain('url: "[secret]"');
    expect(shown).toContain('A=/etc/a');
  });

  test('is in the example, as a comment that loads', () => {
    const [list = ''] = /^ {2}# webhooks:[\s\S]*?(?=\n\n# Metrics)/m.exec(configExample()) ?? [];
    const once = list.replaceAll(/^ {2}# /gm, '  ');
    const keys = Object.keys(webhookSection.keys).join('|');
    const twice = once.replaceAll(new RegExp(`^( *)# ((?:${keys}): .*)$`, 'gm'), '$1$2');

    const [first, all] = [once, twice].map((text) => {
      return load({ yaml: `${leastYaml}\nnotify:\n${text}\n` }).config.notify.webhooks[0];
    });

    expect(first).toMatchObject({ name: 'chat', url: { file: '/etc/etcd-backupd/chat-url' } });
    expect(all?.headers).toEqual({ Authorization: '/etc/etcd-backupd/chat-authorization' });
  });
});

describe('a problem is told', () => {
  test.each([
    ['webhooks: [{ name: a }]', 'notify.webhooks[0].url', 'is required: set it there'],
    ['webhooks: [{ name: ping, url: /x }]', 'notify.webhooks[0].name', 'is what notify.ping is'],
    [
      'webhooks: [{ name: a, url: /x }, { name: a, url: /y }]',
      'notify.webhooks[1].name',
      'is the name of an earlier webhook',
    ],
    [
      'webhooks: [{ name: a, url: /x, methd: PUT }]',
      'notify.webhooks[0].methd',
      'did you mean notify.webhooks[0].method?',
    ],
    [
      'webhooks: [{ name: a, url: "hunter2.example.org" }]',
      'notify.webhooks[0].url = "[secret]"',
      'must begin with http:// or https://',
    ],
    [
      'webhooks: [{ name: a, url: "https://u:hunter2@a.example" }]',
      'notify.webhooks[0].url = "[secret]"',
      'must not hold a user or password',
    ],
    [
      'webhooks: [{ name: a, url: "http://a.example/hunter2" }]',
      'notify.webhooks[0].url = "[secret]"',
      'is http, which anybody on the way can read',
    ],
    [
      'webhooks: [{ name: a, url: /x, events: [backup-fail] }]',
      'notify.webhooks[0].events[0] = "backup-fail"',
      'must be one of backup-succeeded,',
    ],
    [
      'webhooks: [{ name: a, url: /x, headers: [Authorization=hunter2] }]',
      'notify.webhooks[0].headers[0] = "[secret]"',
      'must be an absolute path',
    ],
    [
      'webhooks: [{ name: a, url: /x, headers: [Host=/x] }]',
      'notify.webhooks[0].headers[0]',
      'is a header that this program sets itself',
    ],
    [
      "webhooks: [{ name: a, url: /x, template: '{{hunter3}}' }]",
      'notify.webhooks[0].template = "[secret]"',
      'has the unknown placeholder {{hunter3}}',
    ],
    [
      'ping: { failure: "http://a.example/hunter2" }',
      'notify.ping.failure = "[secret]"',
      'is http, which anybody on the way can read',
    ],
  ])('%s', (text, subject, reason) => {
    const problems = problemsOf({ yaml: notify(text) });

    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${RegExp.escape(subject)}(\n| =)`));
    expect(problems[0]).toContain(reason);
    expect(problems[0]).not.toContain('hunter2');
  });

  test('of http only where others could read it', () => {
    const local = 'ping: { success: "http://127.0.0.1:8000/a", failure: "http://[::1]/a" }';
    const open = 'ping: { success: "http://a.example/b", insecureHttp: true }';

    expect(load({ yaml: notify(local) }).warnings).toEqual([]);
    expect(load({ yaml: notify(open) }).warnings).toEqual([
      'notify.ping.success: http, so messages cross the network in clear',
    ]);
  });

  test('of files as a warning: backups are taken without them', () => {
    const dir = mkdtempSync(join(tmpdir(), 'notify-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = (name: string, text: string, mode = 0o600) => {
      writeFileSync(join(dir, name), text);
      chmodSync(join(dir, name), mode);
      return join(dir, name);
    };
    const text = `webhooks:
  - { name: a, url: ${file('url', 'hunter2')}, headers: [A=${dir}/none, B=${file('b', 'x', 0o644)}] }
  - { name: b, url: ${file('good', `${hook}\n`)}, template: ${file('t', '{{hunter}}')}, ca: ${dir}/ca }`;

    const { warnings } = load({
      yaml: notify(text),
      flags: [`--spool.dir=${dir}`],
      checkFiles: true,
    });

    const own = warnings.filter((line) => line.startsWith('notify.'));
    expect(own).toEqual([
      `notify.webhooks[0].url: the content of ${dir}/url must begin with http:// or https://`,
      `notify.webhooks[0].headers: ${dir}/none does not exist (ENOENT)`,
      expect.stringContaining(`notify.webhooks[0].headers: every user of this host can read`),
      expect.stringContaining(
        `notify.webhooks[1].template: the content of ${dir}/t has the unknown`,
      ),
      `notify.webhooks[1].ca: ${dir}/ca does not exist (ENOENT)`,
    ]);
  });
});
