/** A store without files for its key: each place where the tools of AWS look, now and later. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Store } from '../../../../src/store/port.ts';
import { s3Store } from '../../../../src/store/s3/store.ts';
import { named, putBytes } from '../../../contract/store-bodies.ts';
import { s3Options } from '../../../support/s3.ts';
import { answerXml, type SeenRequest, scriptedServer } from '../../../support/s3-server.ts';

interface Place {
  /** Has the key with this id told there from now on. */
  readonly tell: (id: string) => void;
  readonly env: Record<string, string>;
}

let dir: string;
let opened: AsyncDisposableStack;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'usual-keys-'));
  opened = new AsyncDisposableStack();
  // Nothing of the machine that the test runs on.
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  }
  vi.stubEnv('HOME', dir);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await opened.disposeAsync();
  rmSync(dir, { recursive: true });
});

const iniOf = (profile: string, id: string): string =>
  `[${profile}]\naws_access_key_id = ${id}\naws_secret_access_key = secret\n`;

/** Of keys that end. The SDK asks again for what has less than five minutes left. */
const soon = (): Date => new Date(Date.now() + 1500);

/** Serves a key over HTTP, as a container's host does. */
async function container(): Promise<Place> {
  let told = '';
  const server = await serve((_, answer) => {
    const Expiration = soon().toISOString();
    const key = { AccessKeyId: told, SecretAccessKey: 'secret', Token: 'session', Expiration };
    answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(key));
  });
  const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/key` };
  return { tell: (id) => (told = id), env };
}

/** Gives a key for the token of the file, as the service for roles does. */
async function webIdentity({ refused }: { refused?: string } = {}): Promise<Place> {
  const token = join(dir, 'token');
  const server = await serve(({ body }, answer) => {
    if (refused !== undefined) {
      const error = `<Error><Type>Sender</Type><Code>${refused}</Code></Error>`;
      return void answer.writeHead(400).end(`<ErrorResponse>${error}</ErrorResponse>`);
    }
    const asked = new URLSearchParams(String(body));
    expect(asked.get('Action')).toBe('AssumeRoleWithWebIdentity');
    expect(asked.get('RoleArn')).toBe('arn:aws:iam::123456789012:role/backup');
    const fields = {
      AccessKeyId: asked.get('WebIdentityToken'),
      SecretAccessKey: 'secret',
      SessionToken: 'session',
      Expiration: soon().toISOString(),
    };
    const xml = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`);
    const result = `<Credentials>${xml.join('')}</Credentials>`;
    const name = 'AssumeRoleWithWebIdentity';
    answerXml(
      answer,
      `<${name}Response><${name}Result>${result}</${name}Result></${name}Response>`,
    );
  });
  return {
    tell: (id) => writeFileSync(token, id),
    env: {
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/backup',
      AWS_ENDPOINT_URL_STS: server.url,
    },
  };
}

function keylessStore(url: string): Store {
  const keys = { accessKeyId: '', secretAccessKey: '' };
  return opened.use(s3Store(s3Options(url, keys, { readKeys: null })));
}

const serve = async (script: Parameters<typeof scriptedServer>[0]) =>
  opened.use(await scriptedServer(script));

const places: Record<string, () => Place | Promise<Place>> = {
  'the shared file': () => {
    const file = join(dir, 'credentials');
    return {
      tell: (id) => writeFileSync(file, iniOf('default', id)),
      env: { AWS_SHARED_CREDENTIALS_FILE: file },
    };
  },
  'a profile of the shared file': () => {
    const file = join(dir, 'credentials');
    return {
      tell: (id) => writeFileSync(file, iniOf('backup', id)),
      env: { AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'backup' },
    };
  },
  'a program': () => {
    const [file, key] = [join(dir, 'config'), join(dir, 'key.json')];
    writeFileSync(file, `[default]\ncredential_process = /bin/cat ${key}\n`);
    return {
      tell: (id) =>
        writeFileSync(
          key,
          JSON.stringify({ Version: 1, AccessKeyId: id, SecretAccessKey: 'secret' }),
        ),
      env: { AWS_CONFIG_FILE: file },
    };
  },
  'the host of a container': container,
  'web identity': webIdentity,
};

test('a key from the environment is used', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'FROMENV');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  const server = await serve((_request, answer) => void answer.end());

  expect(await keyOf(keylessStore(server.url), server.seen)).toBe('FROMENV');
});

test('a key that is nowhere is told as that', async () => {
  const server = await serve((_request, answer) => void answer.end());

  await expect(putBytes(keylessStore(server.url), named('a/b'), 'x')).rejects.toMatchObject({
    code: 'store-denied',
    message: expect.stringMatching(/no key was found/),
  });
  expect(server.seen).toEqual([]);
});

test('a refusal of the service for roles is not told as one of the store', async () => {
  const place = await webIdentity({ refused: 'InvalidIdentityToken' });
  for (const [name, value] of Object.entries(place.env)) vi.stubEnv(name, value);
  place.tell('FIRST');
  const server = await serve((_request, answer) => void answer.end());
  const store = keylessStore(server.url);

  await expect(putBytes(store, named('a/b'), 'x')).rejects.toMatchObject({
    message: expect.stringMatching(/no key was given: the server says InvalidIdentityToken/),
    hint: expect.stringContaining('places where the AWS tools look'),
  });
  expect(server.seen).toEqual([]);
});

/** Puts an object and returns the id of the key that signed it. */
async function keyOf(store: Store, seen: readonly SeenRequest[]): Promise<string | undefined> {
  await putBytes(store, named('a/b'), 'x');
  const { authorization } = seen.at(-1)?.headers ?? {};
  return /Credential=([^/]+)\//.exec(String(authorization))?.[1];
}

describe.each(Object.entries(places))('a key from %s', (_, prepare) => {
  test('is used, and so is the one that takes its place', async () => {
    const place = await prepare();
    for (const [name, value] of Object.entries(place.env)) vi.stubEnv(name, value);
    place.tell('FIRST');
    const server = await serve((_request, answer) => void answer.end());
    const store = keylessStore(server.url);

    expect(await keyOf(store, server.seen)).toBe('FIRST');
    place.tell('SECOND');
    await sleep(2000);
    expect(await keyOf(store, server.seen)).toBe('SECOND');
  });
});
