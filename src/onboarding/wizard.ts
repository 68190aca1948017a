import { describeKeyProblem, parseIncomingKey } from '../core/incoming-key.ts';
import { formatStoreKey, isOrgSlug, type KeyScope } from '../core/key-scope.ts';
import { otherBackend, type Backend, type Change, type KeyEntries } from '../core/secret-store.ts';
import type { Token } from '../core/token.ts';
import { DEFAULT_UNLOCK_TIME } from '../core/unlock-time.ts';
import type { Choice, Prompter } from '../platform/prompter.ts';
import type { Probe } from './probe.ts';

/** A key that a command is about to store. */
export interface Wanted {
  readonly scope: KeyScope;
  /** Undefined where it is yet to be asked for. */
  readonly token: Token | undefined;
}

export interface WizardInput {
  readonly prompter: Prompter;
  readonly probe: Probe;
  /** Chosen already, by `--backend`. */
  readonly backend: Backend | undefined;
  /** Where keys are kept until now; undefined on a first run. */
  readonly current: Backend | undefined;
  /** What the keys are for; undefined where that is not known. */
  readonly apiUrl: string | undefined;
  /** The key that is to be stored; undefined where that is asked, too. */
  readonly wanted: Wanted | undefined;
  /** Called once the backend is known: asks what it needs, the passphrase of a new or of the present vault. */
  readonly prepare: (
    backend: Backend,
  ) => Promise<{ readonly isNewVault: boolean; readonly present: KeyEntries }>;
}

/** A key that was typed. */
type NewKey = Extract<Change, { kind: 'set' }>;

export interface WizardAnswers {
  readonly backend: Backend;
  /** How long a vault stays unlocked after its passphrase was typed, as in `15m`; undefined for not at all. */
  readonly unlockTimeout: string | undefined;
  readonly changes: readonly NewKey[];
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
      input.current === undefined
        ? 'Welcome to mesa: it keeps your API keys and hands out the right one.'
        : `mesa is set up: keys are kept in ${input.current}.`,
      ...probe.findings.map((line) => `- ${line}`),
      '',
    ].join('\n'),
  );
  const backend =
    input.backend ??
    (await prompter.choose('Where should your keys be kept?', orderedChoices(input), input.current));
  const { isNewVault, present } = await input.prepare(backend);
  const unlockTimeout = isNewVault && (await askUnlock(prompter)) ? DEFAULT_UNLOCK_TIME : undefined;
  const changes = input.wanted === undefined ? await askKeys(input, present) : await askWanted(input);
  return { backend, unlockTimeout, changes };
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

/** The one key that the command stores, unless that is known. */
async function askWanted({ prompter, apiUrl, wanted }: WizardInput): Promise<readonly NewKey[]> {
  if (wanted === undefined || wanted.token !== undefined) {
    return [];
  }
  const { scope } = wanted;
  const value = await prompter.secret({
    message: `API token for ${formatStoreKey(scope)}:`,
    check: (answer) => {
      const problem = describeKeyProblem(answer);
      return problem === undefined ? undefined : `the token ${problem}`;
    },
  });
  return [{ kind: 'set', scope, token: parseIncomingKey(value, { name: 'the token' }), api: apiUrl }];
}

async function askKeys({ prompter, apiUrl }: WizardInput, present: KeyEntries): Promise<readonly NewKey[]> {
  // By organization: a second token for one replaces the first.
  const changes = new Map<string, NewKey>();
  for (;;) {
    const message =
      changes.size === 0 ? 'Organization (Enter to skip):' : 'Another organization (Enter to finish):';
    const org = (await prompter.text({ message, check: describeOrgProblem })).trim();
    if (org === '') {
      return [...changes.values()];
    }
    const scope: KeyScope = { kind: 'org', org };
    const before = changes.get(org)?.token ?? present.get(formatStoreKey(scope))?.token;
    if (before !== undefined) {
      prompter.say(`${org} is there already (${before.masked()}); it is replaced when a token is given.`);
    }
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
