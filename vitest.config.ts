import { readFileSync } from 'node:fs';

import { defineConfig } from 'vitest/config';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

// The tests of whole processes use what the build made: `npm test` builds first.
export default defineConfig({
  define: { MESA_VERSION: JSON.stringify(version) },
  test: {
    include: ['test/**/*.test.ts'],
    // Minutes long, with a configuration of its own.
    exclude: ['test/faults/**'],
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    // Many tests start processes, and some of those derive a key for a second, on two cores that may be busy.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // They wait more than they compute.
    maxWorkers: 4,
  },
});
