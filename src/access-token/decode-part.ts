const STRING_OR_NAME = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

/**
 * The members of the flat JSON object that one part of a token spells; undefined for everything else: base64url that is
 * not canonical (padding, another alphabet, bits that are not used), bytes that are no UTF-8, what is no JSON object, a
 * name that occurs twice, an object within the object.
 */
export function decodePart(part: string): ReadonlyMap<string, unknown> | undefined {
  const text = Buffer.from(part, 'base64url').toString('utf8');
  if (Buffer.from(text, 'utf8').toString('base64url') !== part) {
    return undefined;
  }
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return undefined;
  }
  // A map: a member may be called `__proto__`.
  const members = new Map<string, unknown>(Object.entries(value));
  return members.size === countNames(text) ? members : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of all objects in valid JSON, repeated ones counted again: JSON.parse would keep the last and say nothing. */
function countNames(json: string): number {
  let count = 0;
  for (const [, colon] of json.matchAll(STRING_OR_NAME)) {
    count += colon === undefined ? 0 : 1;
  }
  return count;
}
