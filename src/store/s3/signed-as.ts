/** The place of the SDK where a request is told what its content is signed with. */
import type { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import type { Sum } from './checksums.ts';

/** The same command, once; its bytes, which were summed up before, are not hashed again. */
export function signedAs<C extends PutObjectCommand | UploadPartCommand>(
  { payload }: Sum,
  command: C,
): C {
  const stack = command.middlewareStack as PutObjectCommand['middlewareStack'];
  stack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-content-sha256'] = payload;
      return next(args);
    },
    { step: 'build', name: 'payloadHash' },
  );
  return command;
}
