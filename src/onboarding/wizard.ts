import { describeKeyProblem, parseIncomingKey } from '../core/incoming-key.ts';
import { isOrgSlug, type KeyScope } from '../core/key-scope.ts';
import { otherBackend, type Backend, type Change } from '../core/secret-store.ts';
import { DEFAULT_UNLOCK_TIME } from '../core/unlock-time.ts';
import type { Choice, Prompter } from '../platform/prompter.ts';
import type { Probe } from './probe.ts';

export interface WizardInput {
  readonly prompter: Prompter;
  readonly probe: Probe;
  /** Chosen already, by `--backend`. */
  readonly backend: Backend | undefined;
  /** What the configuration says until now; undefined on a first run. */
  readonly current: Backend | undefined;
  /** What the keys are for; undefined where that is not known. */
  readonly apiUrl: string | undefined;
  /** Called once the backend is known: asks what it needs, the passphrase of a new or of the present vault. */
  readonly prepare: (backend: Backend) => Promise<{ readonly isNewVault: boolean }>;
}

export interface WizardAnswers {
  readonly backend: Backend;
  /** How long a vault stays unlocked after its passphrase was typed, as in `15m`; undefined for not at all. */
  readonly unlockTimeout: string | undefined;
  readonly changes: readonly Change[];
}

const DESCRIPTIONS: Readonly<Record<Backend, string>> = {
  'encrypted-file': 'a vault behind a passphrase; whoever copies the file cannot read the keys',
  'plaintext-file': 'not encrypted: readable by whoever reads your files; for CI and sandboxes',
};

/** Asks the questions of the first run, in order. Writes nothing: Ctrl-C at any of them leaves no trace. */
export async function runWizard(input: WizardInput): Promise<WizardAnswers> {
  const { prompter, probe } = input;
  prompter.say(
    [
      '',
      'Welcome to mesa: it keeps your API keys and hands out the right one.',
      ...probe.findings.map((line) => `- ${line}`),
      '',
    ].join('\n'),
  );
  const backend =
    input.backend ??
    (await prompter.choose('Where should your keys be kept?', orderedChoices(input), input.current));
  const { isNewVault } = await input.prepare(backend);
  const unlockTimeout = isNewVault && (await askUnlock(prompter)) ? DEFAULT_UNLOCK_TIME : undefined;
  return { backend, unlockTimeout, changes: await askKeys(input) };
}

function orderedChoices({ probe: { recommended }, current }: WizardInput): readonly Choice<Backend>[] {
  const other = otherBackend(recommended);
  return [recommended, other].map((backend) => {
    const remarks = [
      ...(backend === recommended ? ['recommended here'] : []),
      ...(backend === current ? ['in use now'] : []),
    ];
    const label = remarks.length === 0 ? backend : `${backend} (${remarks.join(', ')})`;
    return { value: backend, label, description: DESCRIPTIONS[backend] };
  });
}

/** Recommended: a passphrase that has to be typed for every command is soon a short one, or in a file. */
function askUnlock(prompter: Prompter): Promise<boolean> {
  return prompter.confirm('Keep the vault unlocked for 15 minutes after each use? (recommended)', true);
}

async function askKeys({ prompter, apiUrl }: WizardInput): Promise<readonly Change[]> {
  // By organization: a second token for one replaces the first.
  const changes = new Map<string, Change>();
  for (;;) {
    const message =
      changes.size === 0 ? 'Organization (Enter to skip):' : 'Another organization (Enter to finish):';
    const org = (await prompter.text({ message, check: describeOrgProblem })).trim();
    if (org === '') {
      return [...changes.values()];
    }
    const scope: KeyScope = { kind: 'org', org };
    const value = await prompter.secret({
      message: `API token for ${org} (Enter for none):`,
      check: describeAnswerProblem,
    });
    if (value !== '') {
      const token = parseIncomingKey(value, { name: 'the token' });
      changes.set(org, { kind: 'set', scope, token, api: apiUrl });
    }
  }
}

function describeOrgProblem(answer: string): string | undefined {
  const org = answer.trim();
  if (/^(?:mesa_|eyJ)/.test(org)) {
    return 'that looks like a token; the name of the organization comes first';
  }
  return org === '' || isOrgSlug(org) ? undefined : describeSlugProblem(org);
}

/** What keeps a name from being a slug: the first thing that is wrong with it. */
function describeSlugProblem(org: string): string {
  if (org.length > 64) {
    return `that is too long: it has ${org.length} characters, at most 64 are allowed`;
  }
  const [, foreign] = /([^A-Za-z0-9._-])/u.exec(org) ?? [];
  if (foreign !== undefined) {
    const named = foreign === ' ' ? 'a space' : foreign === '/' ? 'a slash' : 'another character';
    return `use letters, digits, ".", "_" and "-", as in acme; there is ${named} in it`;
  }
  if (org.includes('..')) {
    return 'two dots may not follow each other';
  }
  const [first = ''] = org;
  const [wrong, where] = /[A-Za-z0-9]/.test(first) ? [org.at(-1) ?? '', 'last'] : [first, 'first'];
  return `the ${where} character is a letter or a digit, never "${wrong}"`;
}

function describeAnswerProblem(token: string): string | undefined {
  const problem = token === '' ? undefined : describeKeyProblem(token);
  return problem === undefined ? undefined : `the token ${problem}`;
}
