import { it } from 'vitest';

import { judgeEachCall, KILLED, withoutForks } from './support/injected-row.ts';
import { LEGACY_KEYS, SCENARIO_NAMES } from './support/scenarios.ts';

it.each([...SCENARIO_NAMES, LEGACY_KEYS] as const)(
  'a command leaves the old content or the new when it is killed at any of its file-system calls (%s)',
  (name) => judgeEachCall('SIGKILL at', name, name === LEGACY_KEYS ? withoutForks(KILLED) : KILLED),
);
