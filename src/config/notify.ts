/** From the settings of pings and webhooks to what the program reads. */
import { Secret } from '../core/secret.ts';
import type { NotifyConfig, NotifyWay, SecretPlace, WebhookConfig } from './notify-config.ts';
import type { Settings } from './schema.ts';

type Webhook = Settings['notify']['webhooks'][number];

export function composeNotify({ ping, webhooks }: Settings['notify']): NotifyConfig {
  const { success, failure, method } = ping;
  return {
    ping: { success: placeOf(success), failure: placeOf(failure), method, ...wayOf(ping) },
    webhooks: webhooks.map(composeWebhook),
  };
}

function composeWebhook(webhook: Webhook): WebhookConfig {
  const { name, url, events, method, headers, template } = webhook;
  return {
    name,
    url: secretPlace(url),
    events,
    method,
    headers: Object.fromEntries((headers ?? []).map(splitHeader)),
    template: placeOf(template),
    ...wayOf(webhook),
  };
}

/** Name and path of `NAME=FILE`. */
export function splitHeader(text: string): readonly [name: string, path: string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

function wayOf(way: Settings['notify']['ping'] | Webhook): NotifyWay {
  const { ca, insecureHttp, timeout, retries } = way;
  return { ca, insecureHttp, timeoutMs: timeout, retries };
}

function placeOf(text: string | null): SecretPlace | null {
  return text === null ? null : secretPlace(text);
}

function secretPlace(text: string): SecretPlace {
  return text.startsWith('/') ? { file: text } : new Secret(text);
}
