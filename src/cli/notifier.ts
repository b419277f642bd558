/** Builds what tells others: from the configuration to the targets, and from events to messages. */
import { hostname } from 'node:os';
import { readCertificates } from '../config/certificates.ts';
import type { Config } from '../config/config.ts';
import {
  type NotifyConfig,
  type NotifyWay,
  pingName,
  type SecretPlace,
  type WebhookConfig,
} from '../config/notify-config.ts';
import { readKeyFile, readSecretFile } from '../config/secret-file.ts';
import { Failure } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import type { Notice, Sender } from '../core/notice.ts';
import { Secret } from '../core/secret.ts';
import { parseTemplate, standardBody } from '../core/template.ts';
import { programVersion } from '../core/version.ts';
import { crossesInClear, parseWebAddress } from '../core/web-address.ts';
import { type Courier, openCourier, type Target } from '../notify/courier.ts';
import type { Outgoing, Place } from '../notify/post.ts';
import { watchNotices } from '../observe/notices.ts';

export interface Notifier extends AsyncDisposable {
  readonly observe: Observe;
  /** From now on by another configuration. What is under way goes on by the one before. */
  follow(config: Config): void;
}

/** Disposing waits for what is under way, within a limit. `retries`: as `watchNotices` has it. */
export function openNotifier(
  config: Config,
  observe: Observe,
  { retries = true }: { readonly retries?: boolean } = {},
): Notifier {
  const send = (by: Config): Courier => {
    return openCourier([...pingTarget(by), ...webhookTargets(by)], { observe });
  };
  let courier = send(config);
  const ending = new Set<Promise<void>>();
  const end = (one: Courier): void => {
    const ended = Promise.resolve(one[Symbol.asyncDispose]());
    ending.add(ended);
    void ended.then(() => ending.delete(ended));
  };
  const noticesOf = watchNotices({ now: () => new Date(), retries });
  return {
    observe: (event) => {
      for (const notice of noticesOf(event)) courier.tell(notice);
    },
    follow: (next) => {
      end(courier);
      courier = send(next);
    },
    async [Symbol.asyncDispose]() {
      end(courier);
      await Promise.all(ending);
    },
  };
}

/** Where nobody is to be told. */
export const silentNotifier: Notifier = {
  observe: () => undefined,
  follow: () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};

/** The names of all targets, for metrics. */
export function targetsOf(config: Config): readonly string[] {
  return [...pingTarget(config), ...webhookTargets(config)].map(({ name }) => name);
}

export function webhookTargets(config: Config): readonly Target[] {
  const sender = senderOf(config);
  return config.notify.webhooks.map((webhook) => ({
    name: webhook.name,
    wants: (kind) => kind === 'test' || webhook.events.includes(kind),
    write: (notice) => writeMessage(webhook, notice, sender),
    retries: webhook.retries,
  }));
}

function writeMessage(webhook: WebhookConfig, notice: Notice, sender: Sender): Outgoing {
  const { method, headers: files, template } = webhook;
  const write = template === null ? standardBody : parseTemplate(textOf(template));
  const { type, text } = write(notice, sender);
  const values = Object.entries(files).map(([name, file]) => {
    return [name.toLowerCase(), readSecretFile(file).reveal()] as const;
  });
  const headers = { ...ownHeaders(), 'content-type': type, ...Object.fromEntries(values) };
  return { ...placeOf(webhook.url, webhook), method, headers, body: text };
}

function pingTarget({ notify: { ping } }: Config): readonly Target[] {
  if (ping.success === null && ping.failure === null) return [];
  const target: Target = {
    name: pingName,
    wants: (kind) => urlFor(kind, ping) !== null,
    write: ({ kind, text }) => {
      const type = ping.method === 'GET' ? {} : { 'content-type': 'text/plain; charset=utf-8' };
      const place = placeOf(urlFor(kind, ping) as SecretPlace, ping);
      return { ...place, method: ping.method, headers: { ...ownHeaders(), ...type }, body: text };
    },
    retries: ping.retries,
  };
  return [target];
}

function urlFor(kind: Notice['kind'], ping: NotifyConfig['ping']): SecretPlace | null {
  switch (kind) {
    case 'backup-succeeded':
    case 'backup-unchanged':
    case 'backup-answered':
      return ping.success;
    case 'backup-failed':
    case 'backup-partial':
      return ping.failure;
    default:
      return null;
  }
}

/** Reads the URL and the authorities. Throws `config-invalid` where one of them is wrong. */
export function placeOf(url: SecretPlace, way: NotifyWay): Place {
  const address = parseWebAddress(textOf(url).trim());
  if (crossesInClear(address) && !way.insecureHttp) {
    throw new Failure('config-invalid', `${address.origin} is http, and insecureHttp is false`);
  }
  const ca = way.ca === null ? null : readCertificates(way.ca).join('\n');
  return { url: address, ca, timeoutMs: way.timeoutMs };
}

function textOf(place: SecretPlace): string {
  return place instanceof Secret ? place.reveal() : readKeyFile(place.file);
}

function senderOf({ cluster }: Config): Sender {
  return { cluster: cluster.name, host: hostname(), version: programVersion };
}

function ownHeaders(): Readonly<Record<string, string>> {
  return { 'user-agent': `etcd-backupd/${programVersion}` };
}
