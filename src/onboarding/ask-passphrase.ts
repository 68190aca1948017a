import type { Prompter } from '../platform/prompter.ts';
import { generatePassphrase } from '../vault/generate-passphrase.ts';
import {
  describePassphraseProblem,
  GENERATED_WORDS,
  MIN_PASSPHRASE_LENGTH,
  sealingForm,
} from '../vault/passphrase.ts';

/**
 * Asks how a file is protected, until there is a passphrase that was entered twice or typed back.
 * @param heading the question, as `Passphrase for the new vault`
 */
export async function askNewPassphrase(prompter: Prompter, heading: string): Promise<string> {
  const way = await prompter.choose(heading, [
    {
      value: 'generate',
      label: `generate ${GENERATED_WORDS} words`,
      description: 'shown once, for you to write down; 77 bits, out of reach of guessing',
    },
    {
      value: 'type',
      label: 'type my own',
      description: `at least ${MIN_PASSPHRASE_LENGTH} characters; there is no way to recover a forgotten one`,
    },
  ]);
  return way === 'generate' ? confirmGenerated(prompter) : typeTwice(prompter);
}

async function confirmGenerated(prompter: Prompter): Promise<string> {
  const passphrase = generatePassphrase();
  await prompter.text({
    message: `Write this down:\n\n    ${passphrase}\n\n  Type it back:`,
    check: (answer) =>
      answer.trim() === passphrase ? undefined : 'that differs; the words are joined by hyphens',
    clearRefused: true,
    clearAfter: true,
  });
  return passphrase;
}

async function typeTwice(prompter: Prompter): Promise<string> {
  for (;;) {
    const first = await prompter.secret({ message: 'New passphrase:', check: describePassphraseProblem });
    const second = await prompter.secret({ message: 'The same again:' });
    if (sealingForm(first) === sealingForm(second)) {
      return first;
    }
    prompter.say('The two differ. Once more:');
  }
}
