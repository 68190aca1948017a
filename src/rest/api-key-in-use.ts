import type { Candidate } from '../core/candidates.ts';
import type { Token } from '../core/token.ts';

/** The key that a request carries, and where it came from: for the message when it is refused. */
export interface ApiKeyInUse {
  readonly token: Token;
  readonly source: Candidate['source'];
}
