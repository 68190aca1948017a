import { it } from 'vitest';

import { ERRORS_IN_TURN, errorsFor, judgeEachCall, withoutForks } from './support/injected-row.ts';
import { LEGACY_KEYS, SCENARIO_NAMES } from './support/scenarios.ts';

const TITLE = 'a command leaves the old content or the new when any of its file-system calls fails (%s)';

it.each(SCENARIO_NAMES.filter((name) => name.startsWith('config')))(TITLE, (name) =>
  judgeEachCall('errors from', name, errorsFor(name)),
);

it.each([LEGACY_KEYS] as const)(TITLE, (name) =>
  judgeEachCall('errors from', name, withoutForks(ERRORS_IN_TURN)),
);
