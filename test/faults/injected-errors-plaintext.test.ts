import { it } from 'vitest';

import { errorsFor, judgeEachCall } from './support/injected-row.ts';
import { SCENARIO_NAMES, withoutMinting } from './support/scenarios.ts';

it.each(
  SCENARIO_NAMES.filter(withoutMinting).filter(
    (name) => name.includes('plaintext') && !name.startsWith('migrate'),
  ),
)('a command leaves the old content or the new when any of its file-system calls fails (%s)', (name) =>
  judgeEachCall('errors from', name, errorsFor(name)),
);
