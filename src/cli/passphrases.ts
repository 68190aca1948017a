import type { AgentProcess } from '../agent/start.ts';
import { MesaAuthError } from '../errors.ts';
import type { Prompter } from '../platform/prompter.ts';
import {
  describePassphraseProblem,
  vaultLocked,
  type Passphrase,
  type PassphraseSource,
} from '../vault/passphrase.ts';
import { AGENT_COMMAND } from './command-spec.ts';
import type { Context } from './context.ts';

/** The environment, else a question on the terminal. A passphrase that was just made is not asked for again. */
export function cliPassphrases(context: Context): PassphraseSource {
  let created: Passphrase | undefined;

  const fromEnvironment = (): Passphrase | undefined => {
    const text = context.host.env['MESA_VAULT_PASSPHRASE'] ?? '';
    // Node puts U+FFFD for bytes that are no UTF-8: then many passphrases would be the same one.
    if (text.includes('\ufffd')) {
      throw new MesaAuthError('INVALID_PASSPHRASE', 'MESA_VAULT_PASSPHRASE is not UTF-8 text', {
        hint: 'set it to a passphrase in UTF-8',
      });
    }
    return text === '' ? undefined : { text, typed: false, mayCreate: true };
  };
  let agent: AgentProcess | undefined;
  const ask = async (question: (prompter: Prompter) => Promise<string>): Promise<string> => {
    const prompter = await context.prompter();
    if (prompter === undefined) {
      throw vaultLocked(context.paths.encryptedStore);
    }
    return question(prompter);
  };

  return {
    async toOpen(attempt) {
      // Another process may have made the vault meanwhile.
      const known = fromEnvironment() ?? (attempt === 1 ? created : undefined);
      if (known !== undefined) {
        return known;
      }
      const message = attempt === 1 ? 'Vault passphrase:' : 'Incorrect passphrase. Vault passphrase:';
      const text = await ask((prompter) => prompter.secret({ message, check: describeEmpty }));
      if (context.unlockTimeout !== undefined) {
        // It starts while the vault is opened. When it is never told the passphrase, it ends with this process.
        agent ??= (await import('../agent/start.ts')).spawnAgent([context.host.script, AGENT_COMMAND]);
      }
      return { text, typed: true, mayCreate: false };
    },
    async toCreate() {
      const known = fromEnvironment();
      if (known !== undefined) {
        if (known.text.trim() === '') {
          throw new MesaAuthError(
            'INVALID_PASSPHRASE',
            'MESA_VAULT_PASSPHRASE is blank; it protects no vault',
            {
              hint: 'set it to a passphrase, or unset it',
            },
          );
        }
        const problem = describePassphraseProblem(known.text);
        if (problem !== undefined) {
          context.output.warn(`MESA_VAULT_PASSPHRASE is weak: ${problem}`);
        }
        return known;
      }
      if (created === undefined) {
        const { askNewPassphrase } = await import('../onboarding/ask-passphrase.ts');
        created = { text: await ask(askNewPassphrase), typed: true, mayCreate: true };
      }
      return created;
    },
    async accepted({ text, typed }) {
      if (typed && context.unlockTimeout !== undefined) {
        const { keepUnlocked } = await import('./unlock-agent.ts');
        await keepUnlocked(context, { passphrase: text, idleMs: context.unlockTimeout, agent });
      }
    },
  };
}

function describeEmpty(answer: string): string | undefined {
  return answer === '' ? 'type the passphrase, or press Ctrl-C to stop' : undefined;
}
