import type { Config } from '../../config/config.ts';
import { parseApiUrl } from '../../core/api-url.ts';
import { scopeFlags, type KeyScope } from '../../core/key-scope.ts';
import type { Token } from '../../core/token.ts';
import { MesaAuthError } from '../../errors.ts';
import { readCredentialRequest, scopeOfPath, type CredentialRequest } from '../../git/credential-request.ts';
import type { Context } from '../../session/context.ts';
import { useKeyOf, type KeyInUse } from '../../session/use-key.ts';
import type { CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'git-credential'],
  description: "answer git's question for a password; see setup-git",
  examples: ['printf "protocol=https\\nhost=api.mesa.dev\\n\\n" | mesa auth git-credential get'],
  flags: [{ long: '--mint', description: 'give a short-lived token for the one repository, not the key' }],
  argument: {
    name: 'operation',
    description: 'get; store, erase and all others do nothing',
    values: ['get', 'store', 'erase'],
    required: true,
  },
  run: (context, flags, operation) => runGitCredential(context, { operation, mint: flags.has('mint') }),
};

interface GitCredentialOptions {
  /** `get`, `store`, `erase`, and whatever git may come to ask. */
  readonly operation: string | undefined;
  /** Whether git gets a short-lived token for the one repository instead of the key. */
  readonly mint: boolean;
}

/** What git is given: the password, and when it ends, where that is known. */
interface Answer {
  readonly token: Token;
  readonly expires: Date | undefined;
}

/** The server takes any: contract section 10. */
const USERNAME = 't';
/** Of a minted token: git asks anew for each command, and a clone authenticates in its first seconds. */
const MINT_TTL_SECONDS = 15 * 60;

/**
 * `mesa auth git-credential`: answers git's question for a password on the API's host, and no other. Nothing that
 * git says changes a store: what it says to store came from here, and what it says to erase is for people to replace.
 */
async function runGitCredential(context: Context, { operation, mint }: GitCredentialOptions): Promise<void> {
  if (operation === undefined) {
    throw new MesaAuthError('USAGE', 'git-credential needs an operation', {
      hint: 'git calls it once set up: mesa auth setup-git',
    });
  }
  if (operation !== 'get' && operation !== 'erase') {
    return;
  }
  const request = readCredentialRequest(context.host.stdin.chunks());
  if (operation === 'erase') {
    await tellOfRefusal(context, request);
    return;
  }
  if (request === undefined) {
    throw new MesaAuthError('USAGE', 'standard input holds no credential request as git writes them');
  }
  const quiet = mayAsk(context) ? context : context.withoutQuestions();
  const config = await context.loadConfig();
  if (!isAboutApi(config, request)) {
    return;
  }
  try {
    const scope = scopeOf(quiet, request, config);
    if (scope !== undefined) {
      respond(
        context,
        request,
        mint ? await mintedFor(quiet, scope, config) : await keyFor(quiet, scope, config),
      );
    }
  } catch (error) {
    if (!(error instanceof MesaAuthError && error.code === 'KEY_NOT_FOUND')) {
      // There is a key, or may be one: neither another helper nor a question for a password is of any use.
      context.output.data('quit=1\n');
    }
    throw error instanceof MesaAuthError && error.code === 'LOCKED' ? withUnlockHint(error) : error;
  }
}

/** Git wants a password erased that the server refused. The key stays; what is known of it here is for people. */
async function tellOfRefusal(
  context: Pick<Context, 'loadConfig' | 'output'>,
  request: CredentialRequest | undefined,
): Promise<void> {
  const config = request === undefined ? undefined : await context.loadConfig();
  const scope = scopeOfPath(request?.path);
  if (request !== undefined && config !== undefined && scope !== undefined && isAboutApi(config, request)) {
    const place = request.path === undefined ? '' : ` for ${request.path}`;
    context.output.note(`mesa: ${config.apiUrl} did not accept the password${place}`);
    context.output.hint(`see which key mesa has for it: mesa auth get-key${scopeFlags(scope)} --explain`);
  }
}

/** Whoever works with git has no use for a variable. */
function withUnlockHint(error: MesaAuthError): MesaAuthError {
  return new MesaAuthError(error.code, error.message, { hint: 'mesa auth unlock', cause: error.cause });
}

/** git(1), "GIT_TERMINAL_PROMPT": with a false value, nobody wants to be asked. */
function mayAsk({ host }: Pick<Context, 'host'>): boolean {
  return !['0', 'false', 'no', 'off'].includes((host.env['GIT_TERMINAL_PROMPT'] ?? '1').toLowerCase());
}

/** Whether the request is about the configured host, in whatever way its URL was spelled. */
function isAboutApi({ apiUrl }: Config, { protocol, host }: CredentialRequest): boolean {
  const url = `${protocol}://${host}`;
  if (url === apiUrl) {
    return true;
  }
  const isOrigin = /^https?:\/\/[\w.:[\]-]+$/.test(url);
  return isOrigin && parseApiUrl(url) === apiUrl;
}

function scopeOf(
  context: Pick<Context, 'environmentOrg'>,
  { path }: CredentialRequest,
  config: Config,
): KeyScope | undefined {
  const scope = scopeOfPath(path);
  const org = scope?.kind === 'global' ? (context.environmentOrg() ?? config.org) : undefined;
  return org === undefined ? scope : { kind: 'org', org };
}

function keyFor(context: Context, scope: KeyScope, config: Config): Promise<Answer> {
  return useKeyOf(context, scope, config, (key) => passwordOf(context, key), config);
}

/** @throws KEY_EXPIRES */
async function passwordOf(context: Pick<Context, 'host'>, key: KeyInUse): Promise<Answer> {
  if (key.expires === undefined && !key.token.mayBeJwt) {
    return key;
  }
  const { expiryOf, refuseExpired } = await import('../../session/key-report.ts');
  refuseExpired(context, key);
  return { token: key.token, expires: expiryOf(key) };
}

async function mintedFor(context: Context, scope: KeyScope, config: Config): Promise<Answer> {
  if (scope.kind !== 'repo') {
    throw new MesaAuthError('USAGE', 'git does not say for which repository it needs a token', {
      hint: 'mesa auth setup-git --mint',
    });
  }
  const { mintForScope } = await import('../../session/mint.ts');
  // Git does not tell a fetch from a push.
  const permissions = ['read', 'write'] as const;
  const order = { permissions, repos: [`${scope.org}/${scope.repo}`], ttlSeconds: MINT_TTL_SECONDS };
  return mintForScope(context, scope, order, config, config);
}

function respond(
  { output }: Pick<Context, 'output'>,
  request: CredentialRequest,
  { token, expires }: Answer,
): void {
  const { username, capabilities } = request;
  // `ephemeral` belongs to that capability, and keeps other helpers from storing what mesa stores.
  const ephemeral = capabilities.includes('authtype');
  const lines = [
    ...(ephemeral ? ['capability[]=authtype'] : []),
    `username=${username === undefined || !/^[\x20-\x7e]+$/.test(username) ? USERNAME : username}`,
    `password=${token.reveal()}`,
    ...(expires === undefined ? [] : [`password_expiry_utc=${Math.floor(expires.getTime() / 1_000)}`]),
    ...(ephemeral ? ['ephemeral=1'] : []),
  ];
  output.data(`${lines.join('\n')}\n`);
}
