/** What an S3 store is told. */
import type { Secret } from '../../core/secret.ts';

export interface S3StoreOptions {
  readonly name: string;
  readonly bucket: string;
  /** Segments of object names, without a slash at either end; empty: the whole bucket. */
  readonly prefix: string;
  readonly region: string;
  /** `https://s3.example.org:9000`; null: the service of the region. */
  readonly endpoint: string | null;
  /** The bucket in the path of a request, not in the name of its host. */
  readonly pathStyle: boolean;
  /** File with the authorities to trust; null: the system's. */
  readonly ca: string | null;
  /** Asked for at each request, so that keys may rotate; null: the SDK's standard chain. */
  readonly readKeys: (() => S3Keys) | null;
  readonly partBytes: number;
  /** Parts on their way at once: `partBytes` times this is what a put holds in memory. */
  readonly concurrency: number;
  /** `auto`: CRC-32C for what is sent in parts, SHA-256 for the rest. */
  readonly checksums: 'auto' | 'sha256' | 'none';
  readonly encryption: S3Encryption;
  /** As the service names its classes; null: its default. */
  readonly storageClass: string | null;
  readonly lock: S3Lock | null;
  /** How long nothing may move on a connection. */
  readonly stallTimeoutMs: number;
}

export interface S3Keys {
  readonly accessKeyId: Secret;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | null;
}

export type S3Encryption =
  | { readonly kind: 'none' | 'AES256' }
  | { readonly kind: 'aws:kms'; readonly keyId: string | null }
  /** With 32 bytes that the server does not keep; asked for at each use. */
  | { readonly kind: 'customer'; readonly readKey: () => Buffer };

/** Objects can be neither replaced nor removed for so many days. */
export interface S3Lock {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly days: number;
}

/** For people: `s3 etcd-backups/prod at https://s3.example.org`. */
export function describeBucket({ bucket, prefix, endpoint, region }: S3StoreOptions): string {
  return `s3 ${prefix === '' ? bucket : `${bucket}/${prefix}`} at ${endpoint ?? region}`;
}
