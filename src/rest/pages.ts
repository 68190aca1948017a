import { strangeAnswer } from './failures.ts';
import { fieldsOf } from './fields.ts';

/** A hundred thousand entries in pages of the usual size; a second or two of a server that answers at once. */
const MAX_PAGES = 1_000;
/** How long a server may take for all pages together, so that one that is slow on purpose keeps nobody for hours. */
const MAX_WAIT_MS = 5 * 60_000;
/** It becomes a part of a URL. */
const MAX_CURSOR_LENGTH = 4_096;

/** Of every page that is asked for. */
export const PAGE_SIZE = 100;

/**
 * All pages of a list, one at a time.
 * @param request what is asked, as `GET /v1/acme/repos`, for errors
 * @param fetchPage asks for the page at a cursor, the first one without
 * @param parse the entries of an answer; undefined when it is something else
 * @throws SERVER_FAILED for an answer that is no page, and for a list that does not end
 */
export async function* allPages<T>(
  apiUrl: string,
  request: string,
  fetchPage: (cursor: string | undefined) => Promise<unknown>,
  parse: (page: Readonly<Record<string, unknown>>) => readonly T[] | undefined,
): AsyncGenerator<readonly T[]> {
  let cursor: string | undefined;
  const seen = new Set<string>();
  let waited = 0;
  while (seen.size < MAX_PAGES && waited < MAX_WAIT_MS) {
    const asked = performance.now();
    const page = fieldsOf(await fetchPage(cursor));
    waited += performance.now() - asked;
    const entries = parse(page);
    const next: unknown = page['next_cursor'] ?? undefined;
    if (entries === undefined || !(next === undefined || isCursor(next))) {
      throw strangeAnswer(apiUrl, request);
    }
    yield entries;
    if (next === undefined) {
      return;
    }
    if (seen.has(next)) {
      break;
    }
    seen.add(next);
    cursor = next;
  }
  throw strangeAnswer(apiUrl, request);
}

function isCursor(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_CURSOR_LENGTH;
}
