import { statSync } from 'node:fs';

import type { KeyScope } from '../../core/key-scope.ts';
import type { Context } from '../../session/context.ts';

const GROUP_OR_WORLD_ANY = 0o077;

/**
 * The scopes that have keys, as far as they are known without a passphrase: from the plaintext store, or through the
 * unlock agent when there is one that has the vault open. Asks nothing, derives nothing, changes nothing.
 * @param context one that cannot ask and knows no passphrase; see runComplete
 * @throws whatever opening a store throws, LOCKED above all
 */
export async function knownScopes(
  context: Pick<Context, 'loadConfig' | 'paths' | 'store'>,
): Promise<readonly KeyScope[]> {
  const { backend } = await context.loadConfig();
  const store = await context.store(backend);
  // What others can read is made private by whoever reads it, with a warning. That is not for a Tab to do.
  if (!isPrivate(context.paths.dataDir) || !isPrivate(store.location)) {
    return [];
  }
  return [...(await store.read()).values()].map(({ scope }) => scope);
}

function isPrivate(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && (stats.mode & GROUP_OR_WORLD_ANY) === 0;
}
