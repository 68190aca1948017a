import { formatStoreKey } from '../core/key-scope.ts';
import { keyNotFound, type Candidate, type CandidateVerdict } from '../core/resolve-key.ts';
import type { Context } from './context.ts';
import { resolveCandidates, type ResolvedKey } from './key-context.ts';
import type { ScopeOptions } from './scope-options.ts';

/** Prints every candidate of the lookup and why it won or lost, masked. @throws KEY_NOT_FOUND after that */
export async function explainKey(context: Context, options: ScopeOptions, json: boolean): Promise<void> {
  const resolved = await resolveCandidates(context, options);
  if (json) {
    context.output.json(describe(resolved));
  } else {
    context.output.table(
      ['SOURCE', 'KEY', 'RESULT'],
      resolved.candidates.map((candidate) => [
        candidate.source,
        candidate.token?.masked() ?? '-',
        explainVerdict(candidate.verdict),
      ]),
    );
  }
  if (resolved.used === undefined) {
    throw keyNotFound(resolved.scope);
  }
}

function explainVerdict(verdict: CandidateVerdict): string {
  switch (verdict) {
    case 'used':
      return 'used';
    case 'shadowed':
      return 'not used: a key before it was found';
    case 'absent':
      return 'not used: no key here';
    case 'other-organization':
      return 'not used: MESA_ORG names another organization';
  }
}

function describe({ scope, candidates, used }: ResolvedKey): Record<string, unknown> {
  return {
    requested_scope: formatStoreKey(scope),
    source: used?.source ?? null,
    masked_key: used?.token.masked() ?? null,
    candidates: candidates.map((candidate: Candidate) => ({
      source: candidate.source,
      masked_key: candidate.token?.masked() ?? null,
      result: candidate.verdict.replaceAll('-', '_'),
    })),
  };
}
