/** What the disk says about pings and webhooks. Only warnings: backups are taken without them. */
import { parseTemplate } from '../core/template.ts';
import { parseWebAddress } from '../core/web-address.ts';
import { readCertificates } from './certificates.ts';
import { warnOfFault, warnOfReaders } from './findings.ts';
import { refuse } from './formats.ts';
import { splitHeader } from './notify.ts';
import type { Settings } from './schema.ts';
import { readKeyFile, readSecretFile } from './secret-file.ts';

type Warn = (text: string) => void;

export function checkNotifyFiles(
  { notify: { ping, webhooks } }: Settings,
  isWrong: (key: string) => boolean,
  warn: Warn,
): void {
  const warnOf = (key: string, path: string | null, check: (path: string) => void): void => {
    // Whatever is no path is there itself, and was looked at before.
    if (path?.startsWith('/') !== true || isWrong(key)) return;
    warnOfFault(key, () => check(path), warn);
  };
  const secret = (key: string, check: (path: string) => void) => (path: string) => {
    check(path);
    warnOfReaders(path, { key, warn });
  };
  const address = (key: string, path: string | null) =>
    warnOf(key, path, secret(key, checkAddress));
  address('notify.ping.success', ping.success);
  address('notify.ping.failure', ping.failure);
  warnOf('notify.ping.ca', ping.ca, readCertificates);
  for (const [index, { url, headers, template, ca }] of webhooks.entries()) {
    const key = (name: string) => `notify.webhooks[${index}].${name}`;
    address(key('url'), url);
    for (const text of headers ?? []) {
      warnOf(key('headers'), splitHeader(text)[1], secret(key('headers'), readSecretFile));
    }
    warnOf(key('template'), template, (path) => {
      named(path, () => void parseTemplate(readKeyFile(path)));
    });
    warnOf(key('ca'), ca, readCertificates);
  }
}

function checkAddress(path: string): void {
  const text = readSecretFile(path).reveal();
  named(path, () => void parseWebAddress(text));
}

/** The reasons of formats have no subject. */
function named(path: string, check: () => void): void {
  try {
    check();
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    refuse(reason.startsWith(path) ? reason : `the content of ${path} ${reason}`);
  }
}
