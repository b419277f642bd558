/** Names of what the operating system says, also where Node.js has only a number. */
import { expect, test } from 'vitest';
import { systemCode } from '../../../src/core/system-errors.ts';

test.each([
  ['ENOSPC', 'ENOSPC'],
  ['Unknown system error -116', 'ESTALE'],
  ['Unknown system error -122', 'EDQUOT'],
  ['Unknown system error -9999', 'Unknown system error -9999'],
  [28, undefined],
])('an error with the code %j is %j', (code, name) => {
  expect(systemCode(Object.assign(new Error('said'), { code }))).toBe(name);
});
