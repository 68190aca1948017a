import { it } from 'vitest';

import { errorsFor, INTERRUPTED, judgeEachCall } from './support/injected-row.ts';
import { SCENARIO_NAMES, withoutMinting } from './support/scenarios.ts';

// The rest of them: see the two files beside this one.
it.each(
  SCENARIO_NAMES.filter(withoutMinting).filter(
    (name) => !name.startsWith('config') && (!name.includes('plaintext') || name.startsWith('migrate')),
  ),
)('a command leaves the old content or the new when any of its file-system calls fails (%s)', (name) =>
  judgeEachCall('errors from', name, errorsFor(name)),
);

it.each(['plaintext: set-key', 'vault: set-key', 'config: init, linked file'] as const)(
  'a command goes on when any of its file-system calls is interrupted (%s)',
  (name) => judgeEachCall('EINTR from', name, INTERRUPTED),
);
