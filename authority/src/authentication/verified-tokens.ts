import { hash } from 'node:crypto';

import { LRUCache } from 'lru-cache';
import type { AccessTokenClaims } from 'mesa-auth/access-token';

/** An access token whose signature was found right. */
export interface VerifiedToken {
  readonly claims: AccessTokenClaims;
  /** Of the key that signed it, at the time `at`. */
  readonly sealedSecret: Uint8Array;
  readonly at: Date;
}

/**
 * Remembers which tokens are genuine, because a program shows the same one for an hour, and a signature stays right.
 * Nothing else is remembered: who may do what is looked up with each request.
 */
export interface VerifiedTokens {
  find(token: string): VerifiedToken | undefined;
  add(token: string, verified: VerifiedToken): void;
}

const MAX_TOKENS = 10_000;
/** Of the tokens themselves, which their claims are in proportion to: a token can be 16 KiB long. */
const MAX_CHARACTERS = 8 * 1_024 * 1_024;

/** By their SHA-256: so no token stays in memory, and finding one takes no longer the more of it is right. */
export function createVerifiedTokens(): VerifiedTokens {
  const tokens = new LRUCache<string, VerifiedToken>({ max: MAX_TOKENS, maxSize: MAX_CHARACTERS });
  return {
    find: (token) => tokens.get(digestOf(token)),
    add: (token, verified) => {
      tokens.set(digestOf(token), verified, { size: token.length });
    },
  };
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}
