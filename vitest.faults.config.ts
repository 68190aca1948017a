import { defineConfig } from 'vitest/config';

import { FaultTableReporter } from './test/faults/support/fault-table.ts';
import { LongestFirst } from './test/faults/support/longest-first.ts';

// Faults on purpose: kills, full disks, crowds, hostile files. Minutes of real processes, so apart from the tests
// that run on every save.
export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    globalSetup: ['test/faults/support/build-quick-mesa.ts'],
    reporters: ['default', new FaultTableReporter()],
    sequence: { sequencer: LongestFirst },
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    // One file mostly waits for a lock; the others keep two cores busy.
    maxWorkers: 3,
    // Hundreds of points each; on a machine half as fast as ours they take minutes.
    testTimeout: 1_800_000,
    hookTimeout: 600_000,
  },
});
