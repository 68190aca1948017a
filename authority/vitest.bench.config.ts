import { defineConfig } from 'vitest/config';

// `npm run bench`: with the PostgreSQL server of the tests. It writes bench/RESULTS.md.
export default defineConfig({
  test: {
    include: ['bench/**/*.bench.ts'],
    globalSetup: ['test/support/postgres-server.ts'],
    reporters: ['default'],
    testTimeout: 1_200_000,
    hookTimeout: 60_000,
  },
});
