import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';

/** How long a writer waits for the writer of another process. */
const BUSY_TIMEOUT_MS = 10_000;
const BUSY_POLL_MS = 20;
const MAX_STATEMENTS = 200;

/**
 * SQLite for Kysely. WAL with `synchronous = FULL`: what was acknowledged survives a power cut, and readers wait for
 * nobody (https://sqlite.org/wal.html, https://sqlite.org/pragma.html#pragma_synchronous).
 * @param path of the file, which is made when it is absent
 */
export function sqliteDialect(path: string): Dialect {
  return {
    createAdapter: () => new TransactionalSqliteAdapter(),
    createDriver: () => new SqliteDriver(path),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** Kysely would run migrations outside of a transaction, where two processes that start at once do the same ones. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** One connection, which the requests of this process take in turn: SQLite answers at once, on this thread. */
class SqliteDriver implements Driver {
  readonly #path: string;
  #connection: SqliteConnection | undefined;
  #queue: Promise<void> = Promise.resolve();
  #release: () => void = () => {};
  #isTaken = false;

  constructor(path: string) {
    this.#path = path;
  }

  async init(): Promise<void> {
    this.#connection = new SqliteConnection(this.#path);
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const connection = this.#connection;
    if (connection === undefined) {
      throw new Error('the database is not open');
    }
    while (this.#isTaken) {
      await this.#queue;
    }
    this.#isTaken = true;
    this.#queue = new Promise((resolve) => {
      this.#release = resolve;
    });
    return connection;
  }

  async releaseConnection(): Promise<void> {
    this.#isTaken = false;
    this.#release();
  }

  /** IMMEDIATE: a transaction that reads first and writes later could not wait for another process then. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  async destroy(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

interface Prepared {
  readonly statement: StatementSyncInstance;
  /** None for what gives no rows. Asked once: it takes three times as long as looking up a row. */
  readonly columns: readonly string[];
}

function toObject(columns: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [index, column] of columns.entries()) {
    object[column] = row[index];
  }
  return object;
}

/**
 * Of two processes that open a new file at once, SQLite refuses one at this without waiting, so that they do not wait for
 * each other: https://sqlite.org/c3ref/busy_handler.html
 */
function enterWal(database: DatabaseSyncInstance): void {
  const deadline = performance.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      database.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      const isLocked = error instanceof Error && error.message.startsWith('database is locked');
      if (!isLocked || performance.now() > deadline) {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_POLL_MS);
    }
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSyncInstance;
  /** By their text: preparing takes longer than running. */
  readonly #statements = new Map<string, Prepared>();

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    enterWal(this.#database);
    this.#database.exec('pragma synchronous = full; pragma foreign_keys = on');
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { statement, columns } = this.#prepare(sql);
    // The library types what goes in and comes out; Kysely types it by the schema.
    const values = parameters as never[];
    if (columns.length > 0) {
      const rows = statement.all(...values) as unknown as readonly unknown[][];
      return { rows: rows.map((row) => toObject(columns, row) as R) };
    }
    const { changes, lastInsertRowid } = statement.run(...values);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  // eslint-disable-next-line require-yield -- rows are never streamed here
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('SQLite streams no rows');
  }

  close(): void {
    this.#statements.clear();
    // Closing would do it if the library ended its statements first. Passive: it waits for nobody.
    this.#database.exec('pragma wal_checkpoint(passive)');
    this.#database.close();
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      const statement = this.#database.prepare(sql);
      prepared = { statement, columns: statement.columns().map(({ name }) => name) };
      // Making the objects here takes half as long as having the library make them.
      statement.setReturnArrays(true);
      if (this.#statements.size >= MAX_STATEMENTS) {
        this.#statements.clear();
      }
      this.#statements.set(sql, prepared);
    }
    return prepared;
  }
}
