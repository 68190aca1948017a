import { formatStoreKey } from '../../core/key-scope.ts';
import { keyNotFound, type Candidate, type CandidateVerdict } from '../../core/resolve-key.ts';
import type { Context } from '../context.ts';
import { resolveCandidates, resolveKey, type ResolvedKey } from '../key-context.ts';
import type { ScopeOptions } from '../scope-options.ts';

export interface GetKeyOptions extends ScopeOptions {
  readonly explain: boolean;
  readonly json: boolean;
}

/** `mesa auth get-key`: the one command that prints a secret, and nothing else with it. */
export async function runGetKey(context: Context, options: GetKeyOptions): Promise<void> {
  if (!options.explain && !options.json) {
    const token = await resolveKey(context, options);
    context.output.data(`${token.reveal()}\n`);
    return;
  }
  const resolved = await resolveCandidates(context, options);
  if (options.json) {
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
