import { describe, expect, test } from 'vitest';
import { choice, duration, integer, size, truth } from '../../../src/config/formats.ts';
import {
  absolutePath,
  cronText,
  endpoint,
  isLoopback,
  listenAddress,
  serverName,
  splitAddress,
  timeZone,
} from '../../../src/config/places.ts';

const formats = {
  integer: integer({ min: 1, max: 100 }),
  duration: duration({ min: 1_000, max: 60_000 }),
  size: size({ min: 0, max: 1024 }),
  truth,
  choice: choice(['never', 'alone']),
  absolutePath,
  cronText,
  endpoint,
  listenAddress,
  serverName,
  timeZone,
};

describe('a format', () => {
  test.each([
    ['integer', '100', 100],
    ['duration', '1m', 60_000],
    ['size', '1KiB', 1024],
    ['truth', 'false', false],
    ['choice', 'alone', 'alone'],
    ['absolutePath', '/', '/'],
    ['absolutePath', '/a//b/', '/a/b'],
    ['cronText', '*/10 0 * * * *', '*/10 0 * * * *'],
    ['endpoint', 'https://10.0.0.1:2379', 'https://10.0.0.1:2379'],
    ['endpoint', 'HTTPS://Etcd-1.Example.org:2379/', 'https://etcd-1.example.org:2379'],
    ['endpoint', 'http://[::1]:2379', 'http://[::1]:2379'],
    ['listenAddress', '[::]:9379', '[::]:9379'],
    ['listenAddress', 'localhost:0', 'localhost:0'],
    ['serverName', 'etcd.example.org', 'etcd.example.org'],
    ['timeZone', 'Europe/Berlin', 'Europe/Berlin'],
    ['timeZone', 'UTC', 'UTC'],
  ] as const)('%s takes %j', (name, text, value) => {
    expect(formats[name].parse(text)).toBe(value);
  });

  test.each([
    ['integer', '101', 'must be from 1 to 100'],
    ['integer', '0', 'must be from 1 to 100'],
    ['integer', '7x', 'must be a whole number, digits only'],
    ['integer', '1e2', 'must be a whole number, digits only'],
    ['integer', '-1', 'must be a whole number, digits only'],
    ['duration', '2m', 'must be from 1s to 1m'],
    ['duration', '999ms', 'must be from 1s to 1m'],
    ['size', '1025', 'must be from 0 B to 1 KiB'],
    ['truth', 'yes', 'must be true or false'],
    ['truth', 'True', 'must be true or false'],
    ['choice', 'ever', 'must be one of never, alone'],
    ['absolutePath', 'a/b', 'must be an absolute path: begin it with /'],
    ['absolutePath', '/a/../b', 'must not go through ".."'],
    ['absolutePath', '/a\0b', 'must not hold a NUL character'],
    ['cronText', '* * * *', 'must have five or six fields and has 4'],
    ['cronText', '@daily', 'must have five or six fields and has 1'],
    ['endpoint', '10.0.0.1:2379', 'must begin with http:// or https://'],
    ['endpoint', 'https://10.0.0.1', 'needs a host and a port'],
    ['endpoint', 'https://10.0.0.1:0', 'has a port that is not from 1 to 65535'],
    ['endpoint', 'https://10.0.0.1:65536', 'has a port that is not from 1 to 65535'],
    [
      'endpoint',
      'https://a:b@etcd:2379',
      'must not hold a user or password: use cluster.auth.username and passwordFile',
    ],
    ['endpoint', 'https://10.0.0.1:2379/v3', 'must end after the port: no path, no query'],
    ['endpoint', 'https://10.0.0.999:2379', 'has a host that is neither an address nor a name'],
    ['endpoint', 'https://a b:2379', 'has a host that is neither an address nor a name'],
    ['endpoint', 'https://[::g]:2379', 'has no IPv6 address between [ and ]'],
    ['listenAddress', '9379', 'needs a host and a port'],
    ['listenAddress', '::1', 'needs [ ] around the IPv6 address and a port'],
    ['listenAddress', ':9379', 'has no host before the colon; 0.0.0.0 means every IPv4 address'],
    ['serverName', 'https://etcd', 'must be a host name, without scheme and port'],
    ['timeZone', 'Mars/Base', 'is not a time zone that this system knows'],
    ['timeZone', '+02:00', 'must be the name of a time zone, not an offset'],
  ] as const)('%s refuses %j with its reason', (name, text, reason) => {
    expect(() => formats[name].parse(text)).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: reason }),
    );
  });
});

describe('an address', () => {
  test('is split into its host, without brackets, and its port', () => {
    expect(splitAddress('[::1]:9379', 0)).toEqual({ host: '::1', port: 9379 });
    expect(splitAddress('etcd:2379', 1)).toEqual({ host: 'etcd', port: 2379 });
  });

  test.each([
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['127.example.org', false],
    ['10.0.0.1', false],
  ])('of host %s is loopback: %s', (host, loopback) => {
    expect(isLoopback(host)).toBe(loopback);
  });
});
