import { expect, it } from 'vitest';

import { hasNodeFlag } from '../../../src/core/node-flags.ts';

it.each([
  '--tls-keylog=file',
  '--tls_keylog=file',
  '--no-warnings --tls-keylog file',
  '--no-warnings "--tls-keylog=a file"',
  '"--tls\\\\-keylog=file"',
])('finds a flag in every spelling that Node takes: %s', (given) => {
  expect(hasNodeFlag('--tls-keylog', given)).toBe(true);
});

it.each(['', '--tls-min-v1.2', '--trace-tls', 'tls-keylog'])('finds none in %j', (given) => {
  expect(hasNodeFlag('--tls-keylog', given)).toBe(false);
});
