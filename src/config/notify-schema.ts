/** The part of the schema that is about telling others: pings and webhooks. */
import { noticeKinds, usualNotices } from '../core/notice.ts';
import { parseTemplate, placeholderNames } from '../core/template.ts';
import { parseWebAddress } from '../core/web-address.ts';
import { listing, optional, required, section, setting } from './entry.ts';
import {
  choice,
  duration,
  type Format,
  integer,
  listOf,
  nameLike,
  refuse,
  truth,
} from './formats.ts';
import { pingMethods, webhookMethods } from './notify-config.ts';
import { absolutePath } from './places.ts';

const minuteMs = 60_000;

/** A secret as it is, or where it lies. */
function orFile(format: Format<string>): Format<string> {
  return {
    name: `${format.name}, or the absolute path of a file that holds it`,
    example: format.example,
    parse: (text) => (text.startsWith('/') ? absolutePath.parse(text) : format.parse(text)),
  };
}

const webAddress = orFile({
  name: 'http:// or https:// URL',
  example: 'https://hooks.example.org/services/T000/B000',
  parse: (text) => {
    parseWebAddress(text);
    return text;
  },
});

const template = orFile({
  name: 'text with {{placeholders}}',
  example: '{ "text": "{{cluster}}: {{text}}" }',
  parse: (text) => {
    parseTemplate(text);
    return text;
  },
});

/** What the connection itself needs is not for anybody to set. */
const ownHeaders = /^(host|content-length|transfer-encoding|connection)=/i;

const header: Format<string> = {
  name: 'NAME=FILE',
  example: 'Authorization=/etc/etcd-backupd/chat-authorization',
  parse: (text) => {
    const [, file] = /^[A-Za-z0-9-]+=(.*)$/.exec(text) ?? [];
    if (file === undefined) return refuse('must be NAME=FILE: the value of a header is in a file');
    if (ownHeaders.test(text)) return refuse('is a header that this program sets itself');
    absolutePath.parse(file);
    return text;
  },
};

const way = {
  ca: optional(
    absolutePath,
    "Certificates of the authorities to trust, as PEM, instead of the system's own. Read at each " +
      'use.',
    { example: '/etc/etcd-backupd/tls/internal-ca.crt' },
  ),
  insecureHttp: setting(
    truth,
    'false',
    'Whether a http:// URL of another host may be used. Everybody on the way can read what is ' +
      'sent, and the URL.',
  ),
  timeout: setting(
    duration({ min: 100, max: 5 * minuteMs }),
    '10s',
    'Longest wait for one try, from the look-up of the name to the status of the answer.',
  ),
  retries: setting(
    integer({ min: 0, max: 20 }),
    '4',
    'How often it is tried again, after 1s, 2s, 4s and so on up to 1m, where that can help: no ' +
      'connection, no answer, or one of 408, 425, 429 and 5xx.',
  ),
};

const ping = section(
  "A dead man's switch: a service that raises the alarm when it is not called in time, so that a " +
    'host that is down is told too. Called after each run, with all its tries, also of the ' +
    'command backup.',
  {
    success: optional(
      webAddress,
      'Called when a run ended with a proved backup in every store, or found that nothing has ' +
        'changed.',
      { example: 'https://ping.example.org/0a1b2c', secret: true },
    ),
    failure: optional(
      webAddress,
      'Called when a run failed and is not tried again, or a store did not get the backup.',
      { example: 'https://ping.example.org/0a1b2c/fail', secret: true },
    ),
    method: setting(choice(pingMethods), 'GET', 'POST sends the sentence of the log as its body.'),
    ...way,
  },
);

const kinds = Object.entries(noticeKinds);

export const webhookSection = section('', {
  name: required(
    nameLike('local'),
    'Name of the webhook in logs and metrics. Must be unique, and not ping.',
    { shown: 'chat' },
  ),
  url: required(
    webAddress,
    'Where to send. A redirect is not followed: it is told, for the URL to be set right.',
    { shown: '/etc/etcd-backupd/chat-url', secret: true },
  ),
  events: setting(
    listOf(choice(kinds.map(([kind]) => kind)), 'list of events'),
    usualNotices.join(','),
    `What is told. ${kinds.map(([kind, { about }]) => `${kind}: ${about}`).join('. ')}.`,
  ),
  method: setting(choice(webhookMethods), 'POST', 'How it is sent.'),
  headers: optional(
    listOf(header, 'list of NAME=FILE'),
    'Headers to send, each with the one line of its file as value, read at each use.',
    { secret: true },
  ),
  template: optional(
    template,
    'The body to send. Without it, a JSON object with the keys format, event, level, time, text, ' +
      'cluster, host, store, backup, failure (code, message, hint) and version. Placeholders: ' +
      `${placeholderNames.map((name) => `{{${name}}}`).join(', ')}. A text that begins with { or ` +
      '[ has to be JSON, and what is put into its strings is escaped.',
    { secret: true },
  ),
  ...way,
});

export const notifySection = section(
  'Telling others how backups go. A message that cannot be delivered is tried again, told in the ' +
    'log and counted, and never holds up or fails a backup. What is a secret here may stand in a ' +
    'file.',
  {
    ping,
    webhooks: listing('Where messages are sent. None by default.', webhookSection, { least: 0 }),
  },
);
