import type { FastifyInstance } from 'fastify';

import { ApiError } from '../errors.ts';

const STRING_OR_NAME = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

/**
 * Bodies are JSON and nothing else, the empty one being none. A member that occurs twice is refused as `__proto__` is:
 * what comes in between (a proxy that checks, a log) may read the other one.
 */
export function acceptJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString();
    if (text === '') {
      done(null);
      return;
    }
    // Fastify's own parser ends by calling back, and returns nothing.
    void parse(request, text, (error, value?: unknown) => {
      if (error !== null) {
        done(new ApiError('BAD_REQUEST', 'The body is not valid JSON'));
      } else if (countNames(text) === countMembers(value)) {
        done(null, value);
      } else {
        done(new ApiError('BAD_REQUEST', 'The body has the same member twice'));
      }
    });
  });
}

/** Of all objects in valid JSON, repeated ones counted again: JSON.parse keeps the last and says nothing. */
function countNames(json: string): number {
  let count = 0;
  for (const [, colon] of json.matchAll(STRING_OR_NAME)) {
    count += colon === undefined ? 0 : 1;
  }
  return count;
}

/** Not recursive: 64 KiB can be nested 32,000 deep. */
function countMembers(root: unknown): number {
  let count = 0;
  const open = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value === 'object' && value !== null) {
      const members: unknown[] = Object.values(value);
      count += Array.isArray(value) ? 0 : members.length;
      open.push(...members);
    }
  }
  return count;
}
