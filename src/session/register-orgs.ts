import type { Config } from '../config/config.ts';
import { isForApi } from '../core/api-url.ts';
import { formatStoreKey, type KeyScope } from '../core/key-scope.ts';
import type { Change, SecretStore } from '../core/secret-store.ts';
import type { Host } from '../platform/host.ts';
import { readOrgs } from './environment-secrets.ts';
import { describeOutcomes } from './outcomes.ts';
import type { Output } from './output.ts';

/**
 * Reads MESA_ORGS at once and registers its tokens later, in one write; those that are stored already cost none.
 * @throws INVALID_MESA_ORGS, and as readSecret
 */
export function registerOrgs(
  host: Pick<Host, 'env'>,
): (store: SecretStore, config: Pick<Config, 'apiUrl' | 'keepReplaced'>, output: Output) => Promise<void> {
  const { variable, tokens } = readOrgs(host);
  return async (store, { apiUrl, keepReplaced: keep }, output) => {
    if (tokens.size === 0) {
      return;
    }
    const present = await store.read();
    const changes: Change[] = [];
    for (const [org, token] of tokens) {
      const scope: KeyScope = { kind: 'org', org };
      const entry = present.get(formatStoreKey(scope));
      if (entry?.token.equals(token) !== true || !isForApi(entry, apiUrl)) {
        changes.push({ kind: 'set', scope, token, api: apiUrl, keep });
      }
    }
    if (changes.length > 0) {
      const outcomes = await store.apply(changes);
      output.note(`${describeOutcomes(outcomes)} from ${variable} in ${store.backend}`);
    }
  };
}
