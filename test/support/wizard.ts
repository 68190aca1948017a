import type { Backend } from '../../src/core/secret-store.ts';
import type { Terminal } from './terminal.ts';

/** Which backend comes first depends on the machine; the question jumps to what is typed. */
export async function chooseBackend(terminal: Terminal, backend: Backend): Promise<void> {
  const question = 'Where should your keys be kept?';
  await terminal.waitFor(`? ${question}`);
  terminal.type(backend.slice(0, 3));
  await terminal.waitFor(`❯ ${backend}`);
  await terminal.answer(question, '');
}

/**
 * Chooses a passphrase of one's own and enters it twice.
 * @param question that for a new vault when absent
 */
export async function typeNewPassphrase(
  terminal: Terminal,
  passphrase: string,
  question?: string,
): Promise<void> {
  await chooseTyping(terminal, question);
  await terminal.answer('New passphrase:', passphrase);
  await terminal.answer('The same again:', passphrase);
}

/** Answers the question of a new vault whether it stays unlocked. */
export async function answerUnlock(terminal: Terminal, answer: 'y' | 'n'): Promise<void> {
  await terminal.answer('Keep the vault unlocked', answer);
}

export async function chooseTyping(
  terminal: Terminal,
  question = 'Passphrase for the new vault',
): Promise<void> {
  await terminal.waitFor(`? ${question}`);
  terminal.type('type');
  await terminal.waitFor('❯ type my own');
  await terminal.answer(question, '');
}

/** Answers the loop of organizations and tokens, and ends it. */
export async function answerKeys(
  terminal: Terminal,
  keys: readonly (readonly [org: string, token: string])[],
): Promise<void> {
  let question = 'Organization (Enter to skip):';
  for (const [org, token] of keys) {
    await terminal.answer(question, org);
    await terminal.answer(`API token for ${org}`, token);
    question = 'Another organization (Enter to finish):';
  }
  await terminal.answer(question, '');
}
