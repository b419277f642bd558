import { expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { spoolFailure } from '../../../src/spool/failure.ts';

const systemError = (code: string) => Object.assign(new Error(`${code}: sorry`), { code });

test.each([
  ['ENOSPC', 'spool-full'],
  ['EDQUOT', 'spool-full'],
  ['EFBIG', 'spool-full'],
  ['EIO', 'spool-failed'],
  ['EROFS', 'spool-failed'],
  ['EACCES', 'spool-failed'],
])('%s of the disk is told as %s', (code, told) => {
  const error = systemError(code);

  expect(spoolFailure(error, 'write /spool/file')).toMatchObject({
    code: told,
    message: `cannot write /spool/file: ${code}: sorry`,
    cause: error,
  });
});

test('what is told already stays as it is', () => {
  const failure = new Failure('internal', 'the file was given up');

  expect(spoolFailure(failure, 'write /spool/file')).toBe(failure);
});

test('what is no error at all is told by its text', () => {
  expect(spoolFailure('odd', 'sync /spool/file')).toMatchObject({
    code: 'spool-failed',
    message: 'cannot sync /spool/file: odd',
  });
});
