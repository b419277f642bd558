/** A small object that a server is tried with. */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Connection } from './connection.ts';
import type { S3StoreOptions } from './options.ts';
import { customerFields } from './put-fields.ts';

export interface Probe {
  readonly options: S3StoreOptions;
  readonly connection: Connection;
  readonly object: { readonly Bucket: string; readonly Key: string };
  readonly signal: AbortSignal;
}

export const probeContent = Buffer.from('a probe of etcd-backupd');

/** One try, and what the SDK throws: what the server says is what is wanted. */
export function putProbe({ options, connection, object, signal }: Probe, fields: object) {
  const command = new PutObjectCommand({
    ...object,
    ...customerFields(options),
    ...fields,
    Body: probeContent,
    ContentLength: probeContent.byteLength,
  });
  const call = { signal, action: `put ${object.Key}`, bytes: probeContent.byteLength, tries: 1 };
  return connection.tryCall((client, limits) => client.send(command, limits), call);
}
