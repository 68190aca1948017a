import { chmodSync } from 'node:fs';

import { Kysely, Migrator, PostgresDialect } from 'kysely';
import { Pool, TypeOverrides } from 'pg';

import { codeOf, OperatorError } from '../errors.ts';
import { migrations } from './migrations.ts';
import type { Database, Schema } from './schema.ts';
import { sqliteDialect } from './sqlite-dialect.ts';

export type DatabasePlace =
  | { readonly kind: 'sqlite'; readonly path: string }
  /** A URL as libpq has them: postgres://user:password@host:port/name */
  | { readonly kind: 'postgres'; readonly url: string; readonly poolSize?: number | undefined };

/** Longer than any query here takes; a server that hangs would otherwise hang everybody. */
const STATEMENT_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5_000;
const INT8 = 20;

/**
 * Opens the database and brings its schema up to date.
 * @param place for SQLite the directory must be there
 * @param onLost is told when an idle connection breaks; the next query makes a new one
 * @throws OperatorError when it cannot be opened, or a newer version of the program has changed its schema
 */
export async function openDatabase(place: DatabasePlace, onLost?: (error: Error) => void): Promise<Database> {
  const db = new Kysely<Schema>({
    dialect: place.kind === 'sqlite' ? sqliteDialect(place.path) : postgresDialect(place, onLost),
  });
  try {
    const { error } = await new Migrator({
      db,
      provider: { getMigrations: async () => migrations(place.kind) },
    }).migrateToLatest();
    if (error !== undefined) {
      throw error instanceof Error ? error : new Error('the schema could not be changed', { cause: error });
    }
    if (place.kind === 'sqlite') {
      chmodSync(place.path, 0o600);
    }
    return db;
  } catch (error) {
    await db.destroy().catch(() => {});
    throw new OperatorError(
      `cannot open the database: ${describe(error)}`,
      place.kind === 'sqlite' ? undefined : 'is the server running, and does its user own the database?',
      error,
    );
  }
}

function postgresDialect(
  { url, poolSize }: Extract<DatabasePlace, { kind: 'postgres' }>,
  onLost: ((error: Error) => void) | undefined,
): PostgresDialect {
  const types = new TypeOverrides();
  // Milliseconds: a double holds them exactly for the next 285,000 years.
  types.setTypeParser(INT8, Number);
  const pool = new Pool({
    connectionString: url,
    types,
    ...(poolSize === undefined ? {} : { max: poolSize }),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'mesa-authority',
  });
  // Without a listener a lost idle connection would end the process.
  pool.on('error', (error) => onLost?.(error));
  // So would one that is lost in use: the query fails with it, and the pool lets go of it.
  pool.on('connect', (client) => client.on('error', () => {}));
  return new PostgresDialect({ pool });
}

/** Messages of the drivers name hosts and tables, never a password. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) {
    return describe(error.errors[0]);
  }
  return error instanceof Error && error.message !== '' ? error.message : (codeOf(error) ?? 'unknown error');
}
