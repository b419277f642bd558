/** What etcd, gRPC, TLS and the network say, as our failures. Text counts: 3.4 and 3.5 give the
 * code UNKNOWN to most of it. */
import { Failure, type FailureCode, systemCode } from '../core/errors.ts';

/** gRPC status codes that decide where the text does not. */
const deadlineExceeded = 4;
const unavailable = 14;

interface Row {
  readonly text: RegExp;
  readonly code: FailureCode;
  readonly say: string;
}

/** Words of etcd's servers, 3.4 to 3.7. The first row that fits decides. */
const serverRows: readonly Row[] = [
  {
    text: /invalid user ?ID or password|authentication failed/i,
    code: 'cluster-auth',
    say: 'etcd refused the user or the password',
  },
  {
    text: /user name is empty/i,
    code: 'cluster-auth',
    say: 'etcd asks for a user, and cluster.auth is not configured',
  },
  {
    text: /authentication is not enabled/i,
    code: 'cluster-auth',
    say: 'cluster.auth is configured, but authentication is not enabled in etcd',
  },
  {
    text: /invalid auth token|revision of auth store is old|invalid auth management/i,
    code: 'cluster-auth',
    say: 'etcd refused the token: it expired or the users changed meanwhile',
  },
  {
    text: /permission denied/i,
    code: 'cluster-permission',
    say: 'the user lacks the role root',
  },
  {
    text: /rpc not supported for learner/i,
    code: 'snapshot-refused',
    say: 'the member is a learner and does not serve this',
  },
  {
    text: /required revision has been compacted/i,
    code: 'revision-unavailable',
    say: 'the member has compacted that revision away',
  },
  {
    text: /required revision is a future revision/i,
    code: 'revision-unavailable',
    say: 'the member has not reached that revision yet',
  },
  {
    text: /no leader|leader changed|not leader/i,
    code: 'cluster-unreachable',
    say: 'the cluster has no leader now, so it cannot confirm anything',
  },
  {
    text: /request timed out|too many requests|etcdserver: server stopped/i,
    code: 'timed-out',
    say: 'the member did not answer in time',
  },
  {
    text: /corrupt cluster/i,
    code: 'no-source',
    say: 'etcd holds the cluster for corrupt (alarm CORRUPT)',
  },
  {
    text: /unhealthy cluster/i,
    code: 'quorum-at-risk',
    say: 'etcd refuses the change: a voter is not connected to the others, or not long enough',
  },
  {
    text: /not enough started members/i,
    code: 'quorum-at-risk',
    say: 'etcd refuses the change: too few members have started',
  },
  {
    text: /too many learner members/i,
    code: 'quorum-at-risk',
    say: 'etcd refuses the change: the cluster has a learner, and takes no second one',
  },
  {
    text: /(peer URLs|member ID) already exist/i,
    code: 'usage',
    say: 'another member has one of the peer URLs',
  },
];

/** Words of TLS libraries. */
const tlsRows: readonly Row[] = [
  {
    text: /certificate has expired|CERT_HAS_EXPIRED/i,
    code: 'cluster-tls',
    say: 'the certificate of the member has expired',
  },
  {
    text: /certificate is not yet valid|CERT_NOT_YET_VALID/i,
    code: 'cluster-tls',
    say: 'the certificate of the member is not valid yet',
  },
  {
    text: /Hostname\/IP does not match|ERR_TLS_CERT_ALTNAME_INVALID|altnames/i,
    code: 'cluster-tls',
    say: 'the certificate of the member is for other names',
  },
  {
    text: /unable to (verify|get)|self.signed|signature failure|UNABLE_TO_VERIFY/i,
    code: 'cluster-tls',
    say: 'the certificate of the member is not signed by cluster.tls.ca',
  },
  {
    text: /alert (.*certificate|unknown ca|handshake failure)|TLSV1|SSLV3_ALERT|ALERT_/i,
    code: 'cluster-tls',
    say: 'the member refused our client certificate, or wants one',
  },
  {
    text: /key values mismatch|PEM|no start line|bad decrypt|asn1/i,
    code: 'cluster-tls',
    say: 'the files of cluster.tls do not fit together or are no certificates',
  },
  {
    text: /wrong version number|EPROTO|packet length too long/i,
    code: 'cluster-tls',
    say: 'the member does not speak TLS there; is the endpoint http instead of https?',
  },
];

/** Words of the network. */
const networkRows: readonly Row[] = [
  { text: /ECONNREFUSED/, code: 'cluster-unreachable', say: 'connection refused' },
  { text: /ENOTFOUND|EAI_AGAIN/, code: 'cluster-unreachable', say: 'the host name is not known' },
  { text: /EHOSTUNREACH|ENETUNREACH/, code: 'cluster-unreachable', say: 'the host is unreachable' },
  { text: /ETIMEDOUT/, code: 'cluster-unreachable', say: 'the connection timed out' },
  {
    text: /ECONNRESET|EPIPE|socket hang up|Connection dropped|closed|GOAWAY|Protocol error/i,
    code: 'cluster-unreachable',
    say: 'the connection was closed; is the endpoint https instead of http?',
  },
  {
    text: /No connection established/i,
    code: 'cluster-unreachable',
    say: 'no connection could be made',
  },
];

/**
 * One failure for anything that a call to `endpoint` threw. What came out of an abort and what is a
 * Failure already passes through.
 */
export function clusterFailure(thrown: unknown, endpoint: string): Failure {
  if (thrown instanceof Failure) return thrown;
  const text = textOf(thrown);
  const row = [...serverRows, ...tlsRows, ...networkRows].find((each) => each.text.test(text));
  const options = { cause: thrown, context: { endpoint } };
  if (row !== undefined) {
    const detail = row.code === 'cluster-tls' ? ` (${firstLine(text)})` : '';
    return new Failure(row.code, `${endpoint}: ${row.say}${detail}`, options);
  }
  const status = grpcStatus(thrown);
  if (status === deadlineExceeded) {
    return new Failure('timed-out', `${endpoint}: no answer in time`, options);
  }
  const code = status === unavailable || status === undefined ? 'cluster-unreachable' : 'internal';
  return new Failure(code, `${endpoint}: ${firstLine(text)}`, options);
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? '' : ` ${textOf(thrown.cause)}`;
  return `${systemCode(thrown) ?? ''} ${thrown.message}${cause}`.trim();
}

function grpcStatus(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'number' ? thrown.code : undefined;
}

/** gRPC libraries put `14 UNAVAILABLE: ` and the like before what matters. */
function firstLine(text: string): string {
  const line = text.split('\n')[0] ?? '';
  return line.replace(/^(Error: )?\d+ [A-Z_]+: /, '').slice(0, 300);
}
