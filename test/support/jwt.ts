/** A JWT with these claims, as `mesa.tokens.create` makes one, and with a signature that is none. */
export function jwtOf(claims: Readonly<Record<string, unknown>>): string {
  const header = { alg: 'HS256', typ: 'mesa-at+jwt', kid: 'key_01TEST.v1' };
  return `${encodePart(header)}.${encodePart(claims)}.${'s'.repeat(39)}wxyz`;
}

/** A JWT that expires this many seconds from now; negative ones ago. */
export function jwtExpiringIn(seconds: number): string {
  const now = Math.floor(Date.now() / 1_000);
  return jwtOf({ scopes: ['read', 'write'], repos: ['acme/web'], iat: now - 60, exp: now + seconds });
}

export function encodePart(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}
