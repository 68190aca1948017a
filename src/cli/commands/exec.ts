import { constants } from 'node:os';

import type { Config } from '../../config/config.ts';
import { holdsApiKey } from '../../core/holds-api-key.ts';
import { isRepoName } from '../../core/key-scope.ts';
import { Masker } from '../../core/masker.ts';
import { secretForms } from '../../core/secret-forms.ts';
import { looksSecret } from '../../core/secret-variables.ts';
import { givenOrg, isShown } from '../../core/shown-text.ts';
import type { Token } from '../../core/token.ts';
import { MesaAuthError } from '../../errors.ts';
import { assertRunnable } from '../../platform/find-command.ts';
import type { Host } from '../../platform/host.ts';
import { endAs, runChild } from '../../platform/run-child.ts';
import { runMasked } from '../../platform/run-masked.ts';
import type { Context } from '../../session/context.ts';
import { expiryOf } from '../../session/key-report.ts';
import { mintForCommand, type MintOptions } from '../../session/mint.ts';
import { resolveKey, type KeyInUse } from '../../session/use-key.ts';
import { mintFlags, mintOptionsOf } from '../command-line/shared-flags.ts';
import type { CommandSpec } from '../command-line/spec.ts';
import { announceToActions } from '../show/github-actions.ts';

export const command: CommandSpec = {
  path: ['auth', 'exec'],
  description: 'run a command with the key in its environment, as MESA_API_KEY',
  examples: [
    'mesa auth exec --org acme -- npm run sync',
    'mesa auth exec --repo acme/web --mint --ttl 15m -- ./agent.sh',
    'mesa auth exec --mint --clean --mask -- make deploy',
  ],
  flags: [
    { long: '--mint', description: 'give it a short-lived token instead of the key' },
    ...mintFlags('the repository to work for; with --mint there may be several', 'with --mint: '),
    { long: '--clean', description: 'take away other variables that look like secrets' },
    { long: '--mask', description: 'hide the key in what the command writes, also in base64' },
  ],
  rest: { usage: '<command> [arguments]', description: 'the command to run' },
  run: (context, flags, _argument, rest) =>
    runExec(context, {
      ...mintOptionsOf(flags),
      commandLine: rest,
      mint: flags.has('mint'),
      clean: flags.has('clean'),
      mask: flags.has('mask'),
    }),
};

interface ExecOptions extends MintOptions {
  /** The command and its arguments. */
  readonly commandLine: readonly string[];
  readonly mint: boolean;
  readonly clean: boolean;
  readonly mask: boolean;
}

/** What the child works with. */
interface Credential {
  readonly token: Token;
  readonly org: string | undefined;
  /** Undefined when that is not known. */
  readonly expires: Date | undefined;
  /** The key that signed the token; undefined where the token is that key. */
  readonly signer?: Token;
}

// They open the whole store, or are keys of other organizations.
const NEVER_PASSED_ON: ReadonlySet<string> = new Set([
  'MESA_VAULT_PASSPHRASE',
  'MESA_VAULT_PASSPHRASE_FILE',
  'MESA_NEW_VAULT_PASSPHRASE',
  'MESA_NEW_VAULT_PASSPHRASE_FILE',
  'MESA_ORGS',
  'MESA_ORGS_FILE',
  // The command gets the variable itself.
  'MESA_API_KEY_FILE',
]);

/**
 * `mesa auth exec`: runs a command with a key in its environment.
 * @returns the command's exit status
 * @throws USAGE, COMMAND_NOT_FOUND, COMMAND_NOT_RUNNABLE, what the look-up or the minting throws
 */
async function runExec(context: Context, options: ExecOptions): Promise<number> {
  const [program, ...args] = options.commandLine;
  if (program === undefined) {
    throw new MesaAuthError('USAGE', 'there is no command to run', {
      hint: `mesa auth exec${placeFlags(options)}${options.mint ? ' --mint' : ''} -- "$SHELL"`,
    });
  }
  const { host } = context;
  assertRunnable(program, host.env['PATH']);
  const config = await context.loadConfig();
  const credential = options.mint
    ? await mint(context, options, config)
    : await storedKey(context, options, config);
  const env = childEnvironment(host.env, credential, config, options.clean);
  const secret = credential.token;
  await context.releaseTerminal();
  const end = options.mask
    ? await runMasked({
        command: program,
        args,
        env,
        platform: host.platform,
        createMasker: () => new Masker(secretForms(secret.reveal(), secret.masked())),
      })
    : await runChild({ command: program, args, env });
  return endAs(end, (signal) => constants.signals[signal]);
}

/** The flags that name a place, where they name one. */
function placeFlags({ org, repos }: ExecOptions): string {
  const named = repos
    .filter((repo) => isShown(repo) && repo.split('/').every(isRepoName))
    .map((repo) => ` --repo ${repo}`);
  return `${givenOrg(org)}${named.join('')}`;
}

async function mint(context: Context, options: ExecOptions, config: Config): Promise<Credential> {
  const minted = await mintForCommand(context, options, config);
  announceToActions(context, minted.token);
  return minted;
}

async function storedKey(context: Context, options: ExecOptions, config: Config): Promise<Credential> {
  const needsMint = [
    ...(options.allRepos ? ['--all-repos'] : []),
    ...(options.scope === undefined ? [] : ['--scope']),
    ...(options.ttl === undefined ? [] : ['--ttl']),
    ...(options.repos.length > 1 ? ['more than one --repo'] : []),
  ][0];
  if (needsMint !== undefined) {
    throw new MesaAuthError('USAGE', `${needsMint} needs --mint`, { hint: 'add --mint' });
  }
  const [repo] = options.repos;
  const key: KeyInUse = await resolveKey(context, { org: options.org, repo }, config);
  const { scope, token } = key;
  return { token, org: scope.kind === 'global' ? undefined : scope.org, expires: expiryOf(key) };
}

/**
 * The environment of the child: ours, without what opens the store, with the key in it. With a short-lived token, no
 * variable of ours that holds a key of Mesa is left, whatever its name, in plain or encoded. The child is always told which
 * API the key is for: else it would send it to the one that it takes for granted.
 */
function childEnvironment(
  ours: Host['env'],
  { token, org, expires, signer }: Credential,
  { apiUrl, serviceDomain }: Config,
  clean: boolean,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value = ''] of Object.entries(ours)) {
    const isDurable = signer !== undefined && holdsApiKey(value, signer.reveal());
    if (!NEVER_PASSED_ON.has(name) && !isDurable && !(clean && looksSecret(name, value))) {
      env[name] = value;
    }
  }
  delete env['MESA_ORG'];
  // One of another API would send the key there.
  delete env['MESA_SERVICE_DOMAIN'];
  delete env['MESA_API_KEY_EXPIRES_AT'];
  return {
    ...env,
    MESA_API_KEY: token.reveal(),
    MESA_API_URL: apiUrl,
    ...(serviceDomain === undefined ? {} : { MESA_SERVICE_DOMAIN: serviceDomain }),
    ...(org === undefined ? {} : { MESA_ORG: org }),
    ...(expires === undefined ? {} : { MESA_API_KEY_EXPIRES_AT: expires.toISOString() }),
  };
}
