import { formatStoreKey } from '../../core/key-scope.ts';
import type { Context } from '../../session/context.ts';
import { candidateJson, explainCandidate, expiryOf } from '../../session/key-report.ts';
import { missingKey } from '../../session/missing-key.ts';
import { resolveCandidates, type ResolvedKey } from '../../session/use-key.ts';
import type { ScopeOptions } from '../../session/used-scope.ts';

/** Prints every candidate of the lookup and why it won or lost, masked. @throws KEY_NOT_FOUND after that */
export async function explainKey(context: Context, options: ScopeOptions, json: boolean): Promise<void> {
  const resolved = await resolveCandidates(context, options);
  if (json) {
    context.output.json(describe(resolved));
  } else {
    if (resolved.from === 'config' && resolved.scope.kind !== 'global') {
      context.output.note(
        `mesa: organization '${resolved.scope.org}' is the one of secrets.org in config.toml`,
      );
    }
    context.output.table(
      ['SOURCE', 'KEY', 'RESULT'],
      resolved.candidates.map((candidate) => [
        candidate.source,
        candidate.token?.masked() ?? '-',
        explainCandidate(candidate, context.host.now(), resolved.apiUrl),
      ]),
    );
  }
  if (resolved.used === undefined) {
    throw await missingKey(context, resolved.store, resolved.scope);
  }
}

function describe({ scope, candidates, used }: ResolvedKey): Record<string, unknown> {
  return {
    requested_scope: formatStoreKey(scope),
    source: used?.source ?? null,
    masked_key: used?.token.masked() ?? null,
    expires: (used === undefined ? undefined : expiryOf(used))?.toISOString() ?? null,
    candidates: candidates.map(candidateJson),
  };
}
