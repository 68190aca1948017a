import { formatStoreKey, scopeFromNames } from '../../core/key-scope.ts';
import { MesaAuthError } from '../../errors.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import type { ScopeOptions } from '../../session/scope-options.ts';

/** `mesa auth rm-key`: removes the key of exactly the scope that the flags name. */
export async function runRmKey(context: Context, options: ScopeOptions): Promise<void> {
  const scope = scopeFromNames(options.org, options.repo);
  const name = formatStoreKey(scope);
  const { store } = await beginCommand(context);
  const [outcome] = await store.apply([{ kind: 'remove', scope }]);
  if (outcome === 'absent') {
    throw new MesaAuthError('KEY_NOT_FOUND', `there is no key for ${name} in ${store.backend}`, {
      hint: 'mesa auth list',
    });
  }
  context.output.note(`removed key for ${name} from ${store.backend}`);
}
