import { formatStoreKey, scopeFlags, scopeFromNames, type KeyScope } from '../../core/key-scope.ts';
import type { Replacement } from '../../core/secret-store.ts';
import { describeTokenProblem, Token } from '../../core/token.ts';
import { MesaAuthError } from '../../errors.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import type { ScopeOptions } from '../../session/used-scope.ts';
import { orgAndRepoFlags, scopeOf, type CommandSpec } from '../command-line/spec.ts';
import { readKeyFromStdin } from '../show/read-key.ts';

export const command: CommandSpec = {
  path: ['auth', 'set-key'],
  description: 'store or replace the key of a scope',
  examples: [
    'printf %s "$TOKEN" | mesa auth set-key',
    'printf %s "$TOKEN" | mesa auth set-key --org acme',
    'printf %s "$TOKEN" | mesa auth set-key --org acme --repo web',
  ],
  flags: orgAndRepoFlags('the global scope'),
  argument: { name: 'key', description: 'the key; better: give it on standard input' },
  run: (context, flags, key) => runSetKey(context, { key, ...scopeOf(flags) }),
};

interface SetKeyOptions extends ScopeOptions {
  /** The key as an argument; undefined to read it from stdin or ask for it. */
  readonly key: string | undefined;
}

/** `mesa auth set-key`: stores or replaces the key of exactly the scope that the flags name. */
async function runSetKey(context: Context, options: SetKeyOptions): Promise<void> {
  const scope = scopeFromNames(options.org, options.repo);
  const given = options.key === undefined ? undefined : parseArgument(options.key);
  // A key on stdin is read before anything is asked; one that is typed is asked for after the wizard.
  const piped = given ?? (context.host.stdin.isTerminal ? undefined : readKeyFromStdin(context.host.stdin));
  if (piped === undefined && context.globals.nonInteractive) {
    throw keyMissing(scope);
  }
  const { config, store, stored } = await beginCommand(context, undefined, { scope, token: piped });
  const token = piped ?? stored ?? (await askKey(context, scope));
  const replacements: Replacement[] = [];
  const keep = config.keepReplaced;
  const [outcome] =
    stored === undefined
      ? await store.apply([{ kind: 'set', scope, token, api: config.apiUrl, keep }], (one) =>
          replacements.push(one),
        )
      : ['stored'];
  const [replacement] = replacements;
  context.output.note(
    replacement === undefined
      ? `${outcome} key for ${formatStoreKey(scope)} (${token.masked()}) in ${store.backend}`
      : (await import('../../session/replacement.ts')).describeReplacement(replacement, store.backend, keep),
  );
  if (given !== undefined && context.host.stderr.isTerminal) {
    context.output.hint(
      `the key is in your shell's history now; next time: printf %s "$TOKEN" | mesa auth set-key${scopeFlags(scope)}`,
    );
  }
}

function parseArgument(value: string): Token {
  const problem = describeTokenProblem(value);
  if (problem !== undefined) {
    throw new MesaAuthError('INVALID_KEY', `the key ${problem}`, {
      hint: 'a key is 1 to 16,384 characters of printable ASCII without spaces',
    });
  }
  return Token.parse(value);
}

async function askKey(context: Pick<Context, 'prompter'>, scope: KeyScope): Promise<Token> {
  const prompter = await context.prompter();
  if (prompter === undefined) {
    throw keyMissing(scope);
  }
  const value = await prompter.secret({
    message: `API token for ${formatStoreKey(scope)}:`,
    check: (answer) => {
      const problem = describeTokenProblem(answer.trim());
      return problem === undefined ? undefined : `the token ${problem}`;
    },
  });
  return Token.parse(value.trim());
}

function keyMissing(scope: KeyScope): MesaAuthError {
  return new MesaAuthError('USAGE', 'no key was given', {
    hint: `give it on standard input: printf %s "$TOKEN" | mesa auth set-key${scopeFlags(scope)}`,
  });
}
