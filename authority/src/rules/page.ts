import { ApiError } from '../errors.ts';

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 100;

export interface Page<T> {
  readonly items: readonly T[];
  /** Leads to the next page; null when this is the last one. */
  readonly nextCursor: string | null;
}

/**
 * A page of `rows`, of which one more than `limit` was asked for.
 * @param positionOf what a row was sorted by: it becomes the cursor
 */
export function pageOf<T>(rows: readonly T[], limit: number, positionOf: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { items, nextCursor: hasMore ? formatCursor(positionOf(last)) : null };
}

/** Opaque to clients, who can only give it back. */
export function formatCursor(position: string): string {
  return Buffer.from(position, 'utf8').toString('base64url');
}

/** @throws BAD_REQUEST for what is no cursor */
export function parseCursor(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(position) || formatCursor(position) !== cursor) {
    throw new ApiError('BAD_REQUEST', 'The cursor is not one that this server gave out');
  }
  return position;
}
