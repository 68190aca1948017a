import { defineConfig } from 'vitest/config';

// The tests use what the build made, as its users do: `npm test` builds first.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres-server.ts'],
    restoreMocks: true,
    unstubEnvs: true,
    // Real servers and real git, on two cores that may be busy.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 3,
  },
});
