import { formatStoreKey, scopeFromNames } from '../../core/key-scope.ts';
import { MesaAuthError } from '../../errors.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import type { ScopeOptions } from '../../session/used-scope.ts';
import { orgAndRepoFlags, scopeOf, type CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'rm-key'],
  description: 'remove the key of a scope',
  examples: ['mesa auth rm-key --org acme', 'mesa auth rm-key --org acme --repo web'],
  flags: orgAndRepoFlags('the global scope'),
  run: (context, flags) => runRmKey(context, scopeOf(flags)),
};

/** `mesa auth rm-key`: removes the key of exactly the scope that the flags name. */
async function runRmKey(context: Context, options: ScopeOptions): Promise<void> {
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
