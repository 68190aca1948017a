import { formatStoreKey, type KeyScope, type StoreKey } from './key-scope.ts';
import type { KeyEntries } from './secret-store.ts';
import type { Token } from './token.ts';

/** A key from the environment (`MESA_API_KEY`), and the organization it is for (`MESA_ORG`), if one is named. */
export interface EnvironmentKey {
  readonly token: Token;
  readonly org: string | undefined;
}

export type CandidateVerdict = 'used' | 'shadowed' | 'absent' | 'other-organization';

/** One place that the lookup considers, in order of precedence. */
export interface Candidate {
  readonly source: 'MESA_API_KEY' | StoreKey;
  readonly token: Token | undefined;
  /** When the key stops working, where the store says so. */
  readonly expires: Date | undefined;
  /** See KeyEntry. */
  readonly hasUnreadableEnd?: boolean | undefined;
  /** The key's id on the server, where the store knows it. */
  readonly keyId: string | undefined;
  /** The API that it was stored for; undefined when that is not known, as of a key of the environment. */
  readonly api: string | undefined;
  readonly verdict: CandidateVerdict;
}

/** The candidate that the lookup uses. */
export type UsedKey = Candidate & { readonly token: Token };

const NO_FACTS = { expires: undefined, keyId: undefined, api: undefined };
const NO_KEY = { token: undefined, ...NO_FACTS };

/** Whether the key of the environment is for `scope`: it is when MESA_ORG names no other organization. */
export function environmentKeyApplies(key: EnvironmentKey, scope: KeyScope): boolean {
  return key.org === undefined || (scope.kind !== 'global' && scope.org === key.org);
}

/** The store keys that can answer for `scope`, most specific first (spec section 6). */
export function lookupOrder(scope: KeyScope): readonly KeyScope[] {
  const global: KeyScope = { kind: 'global' };
  switch (scope.kind) {
    case 'global':
      return [global];
    case 'org':
      return [scope, global];
    case 'repo':
      return [scope, { kind: 'org', org: scope.org }, global];
  }
}

/**
 * Every candidate for `scope` in order: the environment's key where there is one, then the store from the most
 * specific scope to the global one. At most one is `used`.
 */
export function listCandidates(
  scope: KeyScope,
  environmentKey: EnvironmentKey | undefined,
  entries: KeyEntries,
): readonly Candidate[] {
  let decided = false;
  const judge = (found: boolean): CandidateVerdict => {
    if (!found) {
      return 'absent';
    }
    const verdict = decided ? 'shadowed' : 'used';
    decided = true;
    return verdict;
  };
  const candidates: Candidate[] = [];
  if (environmentKey !== undefined) {
    const verdict = environmentKeyApplies(environmentKey, scope) ? judge(true) : 'other-organization';
    const { token } = environmentKey;
    candidates.push({ source: 'MESA_API_KEY', token, ...NO_FACTS, verdict });
  }
  for (const place of lookupOrder(scope)) {
    const source = formatStoreKey(place);
    const entry = entries.get(source);
    const verdict = judge(entry !== undefined);
    const { token, expires, keyId, api } = entry ?? NO_KEY;
    const unreadable = entry?.hasUnreadableEnd === true ? { hasUnreadableEnd: true } : {};
    candidates.push({ source, token, expires, ...unreadable, keyId, api, verdict });
  }
  return candidates;
}

/** The one that is `used`, or undefined when no key was found. */
export function usedCandidate(candidates: readonly Candidate[]): UsedKey | undefined {
  for (const candidate of candidates) {
    if (candidate.verdict === 'used' && candidate.token !== undefined) {
      return { ...candidate, token: candidate.token };
    }
  }
  return undefined;
}
