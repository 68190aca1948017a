import {
  describeKeyProblem,
  parseIncomingKey,
  readIncomingKey,
  type Judging,
} from '../../core/incoming-key.ts';
import { formatStoreKey, scopeFlags, scopeFromNames, type KeyScope } from '../../core/key-scope.ts';
import type { Replacement } from '../../core/secret-store.ts';
import type { Token } from '../../core/token.ts';
import { errnoOf, ioError, MesaAuthError } from '../../errors.ts';
import type { InputStream } from '../../platform/host.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import type { ScopeOptions } from '../../session/used-scope.ts';
import { orgAndRepoFlags, scopeOf, type CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'set-key'],
  description: 'store or replace the key of a scope',
  examples: [
    'printf %s "$TOKEN" | mesa auth set-key',
    'printf %s "$TOKEN" | mesa auth set-key --org acme',
    'printf %s "$TOKEN" | mesa auth set-key --org acme --repo web',
  ],
  flags: [
    ...orgAndRepoFlags('the global scope'),
    { long: '--yes', description: 'store it without being asked, also what looks like no key' },
  ],
  argument: { name: 'key', description: 'the key; better: give it on standard input' },
  run: (context, flags, key) => runSetKey(context, { key, ...scopeOf(flags), yes: flags.has('yes') }),
};

interface SetKeyOptions extends ScopeOptions {
  /** The key as an argument; undefined to read it from stdin or ask for it. */
  readonly key: string | undefined;
  /** Whether what looks like no key is one. */
  readonly yes: boolean;
}

/** `mesa auth set-key`: stores or replaces the key of exactly the scope that the flags name. */
async function runSetKey(context: Context, options: SetKeyOptions): Promise<void> {
  const scope = scopeFromNames(options.org, options.repo);
  const { host } = context;
  const given =
    options.key === undefined ? undefined : await takeArgument(context, options.key, scope, options);
  // A key on stdin is read before anything is asked; one that is typed is asked for after the wizard.
  const piped =
    given ??
    (host.stdin.isTerminal
      ? undefined
      : readIncomingKey(chunksOf(host.stdin), judging('the key on standard input', scope, options)));
  if (piped === undefined && context.globals.nonInteractive) {
    throw keyMissing(scope);
  }
  const { config, store, stored } = await beginCommand(context, undefined, { scope, token: piped });
  const token = piped ?? stored ?? (await askKey(context, scope, options, store.location));
  const replacements: Replacement[] = [];
  const keep = config.keepReplaced;
  const [outcome] =
    stored === undefined
      ? await store.apply([{ kind: 'set', scope, token, api: config.apiUrl, keep }], (one) =>
          replacements.push(one),
        )
      : ['stored'];
  const [replacement] = replacements;
  const name = `${formatStoreKey(scope)} (${token.masked()})`;
  context.output.note(
    replacement !== undefined
      ? (await import('../../session/replacement.ts')).describeReplacement(replacement, store.backend, keep)
      : outcome === 'unchanged'
        ? `${store.backend} has this key for ${name} already; nothing was changed`
        : `${outcome} key for ${name} in ${store.backend}`,
  );
  if (given !== undefined && context.host.stderr.isTerminal) {
    context.output.hint(
      `the key is in the history of your shell now; next time: printf %s "$TOKEN" | mesa auth set-key${scopeFlags(scope)}`,
    );
  }
}

/** @throws INVALID_KEY, and as assertArgumentMeant */
async function takeArgument(
  context: Context,
  text: string,
  scope: KeyScope,
  options: SetKeyOptions,
): Promise<Token> {
  const token = parseIncomingKey(text, judging('the key', scope, options));
  const { assertArgumentMeant } = await import('../show/argument-meant.ts');
  await assertArgumentMeant(context, token, options);
  return token;
}

function* chunksOf(stdin: InputStream): Generator<Uint8Array> {
  try {
    yield* stdin.chunks();
  } catch (error) {
    throw errnoOf(error) === undefined ? error : ioError('read', 'standard input', error);
  }
}

function judging(name: string, scope: KeyScope, { yes }: SetKeyOptions): Judging {
  const line = `printf %s "$TOKEN" | mesa auth set-key${scopeFlags(scope)}`;
  return {
    name,
    anyKey: yes,
    whenEmpty: `give the key on standard input: ${line}`,
    insist: `${line} --yes`,
  };
}

/** @param location where it will be stored: nobody shall look for a key that cannot be */
async function askKey(
  context: Pick<Context, 'prompter'>,
  scope: KeyScope,
  options: SetKeyOptions,
  location: string,
): Promise<Token> {
  const prompter = await context.prompter();
  if (prompter === undefined) {
    throw keyMissing(scope);
  }
  const { assertReplaceable } = await import('../../platform/replaceable.ts');
  assertReplaceable(location);
  const value = await prompter.secret({
    message: `API token for ${formatStoreKey(scope)}:`,
    check: (answer) => {
      const problem = describeKeyProblem(answer, options.yes);
      return problem === undefined ? undefined : `the token ${problem}`;
    },
  });
  return parseIncomingKey(value, judging('the token', scope, options));
}

function keyMissing(scope: KeyScope): MesaAuthError {
  return new MesaAuthError('USAGE', 'no key was given', {
    hint: `give it on standard input: printf %s "$TOKEN" | mesa auth set-key${scopeFlags(scope)}`,
  });
}
