/** What libraries and the network say, as it is thrown. */
import { describe, expect, test } from 'vitest';
import { clusterFailure } from '../../../src/cluster/failures.ts';
import { Failure } from '../../../src/core/errors.ts';

const endpoint = 'https://etcd-1.example:2379';

describe('the words of a TLS library', () => {
  test.each([
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'ssl/tls alert bad certificate'],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'sslv3 alert bad certificate'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'sslv3 alert certificate expired'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'tlsv1 alert unknown ca'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tlsv13 alert certificate required'],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'sslv3 alert handshake failure'],
  ])('for a refused client are understood: %s', (code, text) => {
    const thrown = Object.assign(new Error(`error:0A000412:SSL routines:read:${text}`), { code });

    const failure = clusterFailure(thrown, endpoint);

    expect(failure.code).toBe('cluster-tls');
    expect(failure.message).toContain('the member refused our client certificate, or wants one (');
  });

  test('for a certificate of tomorrow are understood', () => {
    const code = 'CERT_NOT_YET_VALID';
    const thrown = Object.assign(new Error('certificate is not yet valid'), { code });

    expect(clusterFailure(thrown, endpoint).message).toContain('is not valid yet (');
  });

  test.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unable to get local issuer certificate'],
    ['CERT_SIGNATURE_FAILURE', 'certificate signature failure'],
  ])('for an unknown authority are understood: %s', (code, text) => {
    const thrown = Object.assign(new Error(text), { code });

    const failure = clusterFailure(thrown, endpoint);

    expect(failure).toMatchObject({ code: 'cluster-tls', retryable: false });
    expect(failure.message).toContain('is not signed by cluster.tls.ca (');
  });
});

describe('the words of the network', () => {
  test.each([
    ['ENOTFOUND', 'the host name is not known'],
    ['EAI_AGAIN', 'the host name is not known'],
    ['EHOSTUNREACH', 'the host is unreachable'],
    ['ENETUNREACH', 'the host is unreachable'],
    ['ETIMEDOUT', 'the connection timed out'],
    ['ECONNREFUSED', 'connection refused'],
    ['ECONNRESET', 'the connection was closed; is the endpoint https instead of http?'],
  ])('are understood also under two wrappings: %s', (code, sentence) => {
    const cause = Object.assign(new Error('connect'), { code });
    const thrown = new Error('canceled', { cause: new Error('session', { cause }) });

    expect(clusterFailure(thrown, endpoint)).toMatchObject({
      code: 'cluster-unreachable',
      message: `${endpoint}: ${sentence}`,
      cause: thrown,
    });
  });

  test('of a limit that gRPC has kept become a time-out', () => {
    const thrown = Object.assign(new Error('4 DEADLINE_EXCEEDED: 2s passed'), { code: 4 });

    expect(clusterFailure(thrown, endpoint)).toMatchObject({
      code: 'timed-out',
      message: `${endpoint}: no answer in time`,
    });
  });
});

describe('a failure', () => {
  test('that is one already passes through as it is', () => {
    const stopped = new Failure('stopped', 'asked to stop');

    expect(clusterFailure(stopped, endpoint)).toBe(stopped);
  });

  test('is made of anything that is thrown, an error or not', () => {
    expect(clusterFailure('just text', endpoint)).toMatchObject({
      code: 'cluster-unreachable',
      message: `${endpoint}: just text`,
    });
    expect(clusterFailure(undefined, endpoint).code).toBe('cluster-unreachable');
  });

  test('has one line of what it was told, without the prefix of gRPC and without a stack', () => {
    const text = `13 INTERNAL: it broke\n    at Object.<anonymous> (/srv/app.js:1:1)`;
    const thrown = Object.assign(new Error(text), { code: 13 });

    expect(clusterFailure(thrown, endpoint).message).toBe(`${endpoint}: it broke`);
  });

  test('repeats no more than a line or two of a long text', () => {
    const thrown = new Error('x'.repeat(10_000));

    expect(clusterFailure(thrown, endpoint).message).toHaveLength(endpoint.length + 2 + 300);
  });
});
