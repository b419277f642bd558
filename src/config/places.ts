/**
 * Formats of things that are somewhere: endpoints, listen addresses, paths, host names, time
 * zones. Nothing here asks the network or the disk.
 */
import { isIPv4, isIPv6 } from 'node:net';

import { type Format, matching, refuse } from './formats.ts';

const hostName = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?$/;

/** A client URL of a member, in lower case and without a slash behind. */
export const endpoint: Format<string> = {
  name: 'http:// or https:// URL with host and port',
  example: 'https://10.0.0.1:2379',
  parse: (text) => {
    const [, scheme, rest] = /^(https?):\/\/(.*)$/i.exec(text) ?? [];
    if (scheme === undefined || rest === undefined) refuse('must begin with http:// or https://');
    if (rest.includes('@')) {
      refuse('must not hold a user or password: use cluster.auth.username and passwordFile');
    }
    const authority = rest.replace(/\/$/, '');
    if (/[/?#]/.test(authority)) refuse('must end after the port: no path, no query');
    const { host } = splitAddress(authority, 1);
    const shown = isIPv6(host) ? `[${host}]` : host;
    return `${scheme}://${shown}${authority.slice(authority.lastIndexOf(':'))}`.toLowerCase();
  },
};

export const listenAddress: Format<string> = {
  name: 'host:port',
  example: '127.0.0.1:9379',
  parse: (text) => {
    splitAddress(text, 0);
    return text;
  },
};

/** Parts of `host:port` or `[v6]:port`; the host comes without brackets. */
export function splitAddress(text: string, minPort: number): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  if (digits === undefined) {
    refuse(
      isIPv6(text) ? 'needs [ ] around the IPv6 address and a port' : 'needs a host and a port',
    );
  }
  if (bracketed !== undefined && !isIPv6(bracketed)) refuse('has no IPv6 address between [ and ]');
  const host = bracketed ?? plain ?? '';
  if (host === '') refuse('has no host before the colon; 0.0.0.0 means every IPv4 address');
  const numeric = /^[\d.]+$/.test(host);
  if (bracketed === undefined && (numeric ? !isIPv4(host) : !hostName.test(host))) {
    refuse('has a host that is neither an address nor a name');
  }
  const port = Number(digits);
  if (port < minPort || port > 65_535) refuse(`has a port that is not from ${minPort} to 65535`);
  return { host, port };
}

/** Whether only programs on this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** Absolute, because a daemon has no folder that its operator would expect it to start from. */
export const absolutePath: Format<string> = {
  name: 'absolute path',
  example: '/var/lib/etcd-backupd',
  parse: (text) => {
    if (!text.startsWith('/')) refuse('must be an absolute path: begin it with /');
    if (text.includes('\0')) refuse('must not hold a NUL character');
    if (text.split('/').includes('..')) refuse('must not go through ".."');
    return text === '/' ? text : text.replaceAll(/\/+/g, '/').replace(/\/$/, '');
  },
};

export const serverName = matching({
  name: 'host name',
  example: 'etcd.example.org',
  pattern: hostName,
  reason: 'must be a host name, without scheme and port',
});

/** A name from the time zone database. Offsets are refused: they know no summer time. */
export const timeZone: Format<string> = {
  name: 'IANA time zone',
  example: 'Europe/Berlin',
  parse: (text) => {
    if (!/^[A-Za-z]/.test(text)) refuse('must be the name of a time zone, not an offset');
    try {
      Intl.DateTimeFormat('en', { timeZone: text });
    } catch {
      refuse('is not a time zone that this system knows');
    }
    return text;
  },
};

/** Only the shape: node-cron, which runs the text, is asked by the loader for the rest. */
export const cronText: Format<string> = {
  name: 'cron text of five or six fields',
  example: '0 * * * *',
  parse: (text) => {
    const fields = text.trim().split(/\s+/).length;
    if (fields !== 5 && fields !== 6) refuse(`must have five or six fields and has ${fields}`);
    return text;
  },
};
