import { expect, it } from 'vitest';

import { postgresPrograms } from './postgres-server.ts';

it('says that PostgreSQL is not installed where it is not', () => {
  const env = { PATH: process.env['PATH'], MESA_TEST_POSTGRES_ROOT: '/nonexistent' };
  expect(() => postgresPrograms(env)).toThrow(
    /^PostgreSQL is not installed: .* apt-get install -y postgresql/,
  );
});
