import { strangeAnswer } from './failures.ts';
import { fieldsOf } from './fields.ts';

/** What a server may ask for at most: a million entries. */
const MAX_PAGES = 10_000;

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
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page = fieldsOf(await fetchPage(cursor));
    const entries = parse(page);
    const next: unknown = page['next_cursor'] ?? undefined;
    if (entries === undefined || !(next === undefined || typeof next === 'string')) {
      throw strangeAnswer(apiUrl, request);
    }
    yield entries;
    if (next === undefined) {
      return;
    }
    if (next === cursor) {
      break;
    }
    cursor = next;
  }
  throw strangeAnswer(apiUrl, request);
}
