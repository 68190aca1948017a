import { formatStoreKey, scopeFlags, scopeFromNames } from '../../core/key-scope.ts';
import type { Backend } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import type { ScopeOptions } from '../../session/used-scope.ts';
import { orgAndRepoFlags, scopeOf, type CommandSpec } from '../command-line/spec.ts';
import { assertConsentPossible, hasConsent, type Consent } from '../whole-store/consent.ts';

export const command: CommandSpec = {
  path: ['auth', 'rm-key'],
  description: 'remove the key of a scope, and the one before it',
  examples: ['mesa auth rm-key --org acme', 'mesa auth rm-key --org acme --repo web --yes'],
  flags: [
    ...orgAndRepoFlags('the global scope'),
    {
      long: '--yes',
      description: 'on a terminal: without being asked (-y is another flag: it takes the answer no)',
    },
  ],
  run: (context, flags) => runRmKey(context, { ...scopeOf(flags), yes: flags.has('yes') }),
};

interface RmKeyOptions extends ScopeOptions {
  readonly yes: boolean;
}

/** `mesa auth rm-key`: removes the key of exactly the scope that the flags name. No copy is left, so a person is asked. */
async function runRmKey(context: Context, options: RmKeyOptions): Promise<void> {
  const { stdin, stderr } = context.host;
  const scope = scopeFromNames(options.org, options.repo);
  const name = formatStoreKey(scope);
  const consent: Consent = {
    yes: options.yes || !(stdin.isTerminal && stderr.isTerminal),
    refused: `removing the key for ${name}`,
    hint: `mesa auth rm-key${scopeFlags(scope)} --yes`,
  };
  await assertConsentPossible(context, consent);
  const { store } = await beginCommand(context);
  if (!consent.yes) {
    const entry = (await store.read([scope])).get(name);
    if (entry === undefined) {
      throw nothingThere(name, store.backend);
    }
    const question = `Remove the key for ${name} (${entry.token.masked()}) from ${store.backend}? It cannot be brought back.`;
    if (!(await hasConsent(context, consent, question))) {
      context.output.note('nothing was changed');
      return;
    }
  }
  const [outcome] = await store.apply([{ kind: 'remove', scope }]);
  if (outcome === 'absent') {
    throw nothingThere(name, store.backend);
  }
  context.output.note(`removed key for ${name} from ${store.backend}`);
}

function nothingThere(name: string, backend: Backend): MesaAuthError {
  return new MesaAuthError('KEY_NOT_FOUND', `there is no key for ${name} in ${backend}`, {
    hint: 'mesa auth list',
  });
}
