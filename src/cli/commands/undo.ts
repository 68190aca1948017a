import { formatStoreKey, scopeFromNames, type KeyScope } from '../../core/key-scope.ts';
import type { Change, OnReplaced, Replacement, SecretStore } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import { describeUndo } from '../../session/replacement.ts';
import type { ScopeOptions } from '../../session/used-scope.ts';
import { orgAndRepoFlags, scopeOf, type CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'undo'],
  description: 'bring back the key of a scope that was replaced last; once more, and all is as before',
  examples: ['mesa auth undo --org acme', 'mesa auth undo --org acme --repo web'],
  flags: orgAndRepoFlags('the global scope'),
  run: (context, flags) => runUndo(context, scopeOf(flags)),
};

/** Others may replace the key between our look and our write; but not for ever. */
const MOST_ATTEMPTS = 5;

/** `mesa auth undo`: exchanges the key of exactly the scope that the flags name and the one that it replaced last. */
async function runUndo(context: Context, options: ScopeOptions): Promise<void> {
  const scope = scopeFromNames(options.org, options.repo);
  const name = formatStoreKey(scope);
  const { config, store } = await beginCommand(context);
  const keep = config.keepReplaced;
  const replacements: Replacement[] = [];
  if (!(await undo(store, { kind: 'undo', scope, keep }, (one) => replacements.push(one)))) {
    throw new MesaAuthError('KEY_NOT_FOUND', `there is no replaced key for ${name} in ${store.backend}`, {
      hint: 'mesa auth list',
    });
  }
  const [replacement] = replacements;
  context.output.note(
    replacement === undefined
      ? `brought back key for ${name}${await shownAt(store, scope)} in ${store.backend}`
      : describeUndo(replacement, store.backend, keep),
  );
}

/** @returns false where there is nothing to bring back */
async function undo(
  store: SecretStore,
  change: Omit<Change & { kind: 'undo' }, 'present'>,
  onReplaced: OnReplaced,
): Promise<boolean> {
  const name = formatStoreKey(change.scope);
  for (let attempt = 1; ; attempt += 1) {
    // So that an undo which is sent twice, as to an agent that did not answer, is done once.
    const present = (await store.read([change.scope])).get(name)?.token;
    const [outcome] = await store.apply([{ ...change, present }], onReplaced);
    if (outcome === 'undone') {
      return true;
    }
    const now = (await store.read([change.scope])).get(name)?.token;
    const isSame = now === undefined || present === undefined ? now === present : now.equals(present);
    if (isSame || attempt === MOST_ATTEMPTS) {
      return false;
    }
  }
}

async function shownAt(store: SecretStore, scope: KeyScope): Promise<string> {
  const entry = (await store.read([scope])).get(formatStoreKey(scope));
  return entry === undefined ? '' : ` (${entry.token.masked()})`;
}
