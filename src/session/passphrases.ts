import type { AgentProcess } from '../agent/start.ts';
import { MesaAuthError } from '../errors.ts';
import type { Prompter } from '../platform/prompter.ts';
import { describePassphraseProblem, vaultLocked, type Passphrase } from '../vault/passphrase.ts';
import type { Context, Passphrases } from './context.ts';
import { AGENT_COMMAND } from './program.ts';

/** Where a script puts a passphrase. */
type PassphraseVariable = 'MESA_VAULT_PASSPHRASE' | 'MESA_NEW_VAULT_PASSPHRASE';

/** The environment, else a question on the terminal. A passphrase that was just made is not asked for again. */
export function openPassphrases(
  context: Pick<
    Context,
    'host' | 'interaction' | 'loadConfig' | 'output' | 'paths' | 'prompter' | 'releaseTerminal'
  >,
): Passphrases {
  let suggested: string | undefined;
  let created: Passphrase | undefined;
  let agent: AgentProcess | undefined;
  let unlockTimeout = async (): Promise<number | undefined> => (await context.loadConfig()).unlockTimeout;
  const locked = (): MesaAuthError => vaultLocked(context.paths.encryptedStore);

  return {
    suggest(text) {
      suggested = text;
    },
    unlockFor(milliseconds) {
      unlockTimeout = () => Promise.resolve(milliseconds);
    },
    async takeTurn() {
      if (
        created !== undefined ||
        suggested !== undefined ||
        passphraseFrom(context, 'MESA_VAULT_PASSPHRASE') !== undefined
      ) {
        return false;
      }
      const prompter = await context.prompter();
      await prompter?.takeTurn();
      return prompter !== undefined;
    },
    giveUp: () => context.releaseTerminal(),
    async toOpen(attempt) {
      const given = passphraseFrom(context, 'MESA_VAULT_PASSPHRASE');
      if (given !== undefined) {
        return { text: given, typed: false, mayCreate: true };
      }
      if (created !== undefined && attempt === 1) {
        // Another process may have made the vault meanwhile.
        return created;
      }
      if (suggested !== undefined) {
        const text = suggested;
        suggested = undefined;
        return { text, typed: true, mayCreate: false, guessed: true };
      }
      const text = await askOnTerminal(
        context,
        askPassphrase('Vault passphrase:', attempt, 'opening the vault'),
        locked,
      );
      if ((await unlockTimeout()) !== undefined) {
        // It starts while the vault is opened. When it is never told the passphrase, it ends with this process.
        agent ??= (await import('../agent/start.ts')).spawnAgent([context.host.script, AGENT_COMMAND]);
      }
      return { text, typed: true, mayCreate: false };
    },
    async toCreate() {
      const given = newPassphraseFrom(context, 'MESA_VAULT_PASSPHRASE');
      if (given !== undefined) {
        return { text: given, typed: false, mayCreate: true };
      }
      if (created === undefined) {
        const text = await askNewPassphrase(context, 'Passphrase for the new vault', locked);
        created = { text, typed: true, mayCreate: true };
      }
      return created;
    },
    async accepted({ text, typed }) {
      if (!typed) {
        return;
      }
      (await context.prompter())?.settle(true);
      const idleMs = await unlockTimeout();
      if (idleMs !== undefined) {
        const { keepUnlocked } = await import('./unlock-agent.ts');
        await keepUnlocked(context, { passphrase: text, idleMs, agent });
      }
      // Only now: whoever waits for the turn finds the agent.
      await context.releaseTerminal();
    },
  };
}

/** Undefined when the variable is unset or empty. @throws INVALID_PASSPHRASE when it is not UTF-8 */
export function passphraseFrom(
  { host }: Pick<Context, 'host'>,
  variable: PassphraseVariable,
): string | undefined {
  const text = host.env[variable] ?? '';
  // Node puts U+FFFD for bytes that are no UTF-8: then many passphrases would be the same one.
  if (text.includes('\ufffd')) {
    throw new MesaAuthError('INVALID_PASSPHRASE', `${variable} is not UTF-8 text`, {
      hint: 'set it to a passphrase in UTF-8',
    });
  }
  return text === '' ? undefined : text;
}

/** As passphraseFrom, for a passphrase that will protect a new file: a weak one is warned about, a blank one refused. */
export function newPassphraseFrom(
  context: Pick<Context, 'host' | 'output'>,
  variable: PassphraseVariable,
): string | undefined {
  const text = passphraseFrom(context, variable);
  if (text === undefined) {
    return undefined;
  }
  if (text.trim() === '') {
    throw new MesaAuthError('INVALID_PASSPHRASE', `${variable} is blank; it protects no vault`, {
      hint: 'set it to a passphrase, or unset it',
    });
  }
  const problem = describePassphraseProblem(text);
  if (problem !== undefined) {
    context.output.warn(`${variable} is weak: ${problem}`);
  }
  return text;
}

/** @throws what `nobody` gives when there is nobody to ask, INTERRUPTED */
export async function askOnTerminal(
  context: Pick<Context, 'prompter'>,
  question: (prompter: Prompter) => Promise<string>,
  nobody: () => MesaAuthError,
): Promise<string> {
  const prompter = await context.prompter();
  if (prompter === undefined) {
    throw nobody();
  }
  return question(prompter);
}

/**
 * A new passphrase, typed twice or generated.
 * @param purpose as in `Passphrase for the new vault`
 * @throws what `nobody` gives when there is nobody to ask, INTERRUPTED
 */
export async function askNewPassphrase(
  context: Pick<Context, 'interaction' | 'prompter'>,
  purpose: string,
  nobody: () => MesaAuthError,
): Promise<string> {
  const { interaction } = context;
  const prompter = await context.prompter();
  if (prompter === undefined || interaction === undefined) {
    throw nobody();
  }
  return interaction.askNewPassphrase(prompter, purpose);
}

/**
 * @param attempt from 1; above 1 the answer before was wrong
 * @param checking what is done with it until it is accepted
 */
export function askPassphrase(
  message: string,
  attempt: number,
  checking: string,
): (prompter: Prompter) => Promise<string> {
  return (prompter) =>
    prompter.secret({
      checking,
      message: attempt === 1 ? message : `Incorrect passphrase. ${message}`,
      check: (answer) => (answer === '' ? 'type the passphrase, or press Ctrl-C to stop' : undefined),
    });
}
