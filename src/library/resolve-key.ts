import type { KeyOptions } from './options.ts';

export interface ResolveKeyOptions extends KeyOptions {
  /** A repository of `org`. */
  readonly repo?: string | undefined;
}

/**
 * The key that `mesa auth get-key` would print: `MESA_API_KEY`, else the store's key of the repository, of the
 * organization, or the global one. Never asks, prints or exits.
 * @returns the key: a secret
 * @throws {MesaAuthError} with `code` `KEY_NOT_FOUND` when there is none, `LOCKED` when the vault's passphrase is not to
 *   be had, `WRONG_PASSPHRASE`; `USAGE` for an option that is none; the other codes tell of names, configuration and store
 */
export async function resolveKey(options: ResolveKeyOptions = {}): Promise<string> {
  const [{ checkOptions }, { libraryContext, withAdvice }, { resolveKey: findKey }] = await Promise.all([
    import('./options.ts'),
    import('./library-context.ts'),
    import('../session/use-key.ts'),
  ]);
  checkOptions(options);
  const { org, repo } = options;
  const context = libraryContext(options, 'resolveKey');
  const { token } = await withAdvice(() => findKey(context, { org, repo }, 'output'));
  return token.reveal();
}
