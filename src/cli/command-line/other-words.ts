/** What other programs call a thing that mesa does: the word, and what to type behind `mesa` instead. */
type Words = Readonly<Record<string, string>>;

const STORE = 'auth set-key';
const REMOVE = 'auth rm-key';
const PRINT = 'auth get-key';

/** Of gh, pass, gopass, rbw, aws-vault, op, doppler, fly, npm, git and age. The words of mesa itself come before these. */
const ANYWHERE: Words = {
  ...named(
    STORE,
    'login signin sign-in logon add insert set put store save write edit update new register replace',
  ),
  ...named(
    REMOVE,
    'logout signout sign-out logoff rm remove delete del erase unset forget clear drop destroy',
  ),
  ...named(PRINT, 'get show token print cat read fetch view reveal copy cp clip find lookup resolve which'),
  ...named(
    'auth list',
    'ls keys key tokens secrets secret credentials credential show-all ll dir entries orgs',
  ),
  ...named('auth exec', 'run with shell spawn'),
  ...named('auth status', 'info state check-key expiry'),
  ...named('auth whoami', 'me user account identity'),
  ...named('auth lock', 'close seal lock-vault'),
  ...named('auth unlock', 'unseal decrypt'),
  ...named('auth change-passphrase', 'passwd password passphrase change-password set-passphrase rekey'),
  ...named('auth backup', 'export dump'),
  ...named('auth restore', 'import load'),
  ...named('auth migrate', 'move mv convert'),
  ...named('auth doctor', 'check diagnose fix repair verify fsck'),
  ...named('auth log', 'history audit audit-log logs'),
  ...named('auth mint-token', 'mint'),
  ...named('auth setup-git', 'git'),
  ...named('auth git-credential', 'credential-helper'),
  ...named('auth api-keys create', 'generate gen issue'),
  ...named('auth api-keys rotate', 'renew roll refresh'),
  ...named('init', 'setup configure config onboard wizard start'),
  ...named('completion', 'completions autocomplete'),
  ...named('help environment', 'environment variables env'),
  ...named('help exit-codes', 'exit-codes'),
  ...named('--version', 'version'),
  ...named('--help', 'man usage commands'),
};

/** In one group they mean something else. */
const IN_GROUP: Readonly<Record<string, Words>> = {
  'auth api-keys': {
    ...named('auth api-keys revoke', 'rm remove delete del erase destroy'),
    ...named('auth api-keys list', 'ls show get status view'),
    ...named('auth api-keys create', 'add new generate gen make insert issue mint'),
    ...named('auth api-keys rotate', 'replace renew roll refresh'),
    ...named('auth api-keys tag', 'label edit set update'),
  },
};

/** Words behind which the one comes that says what to do: `mesa key rm acme`. */
const NOUNS: ReadonlySet<string> = new Set(
  'key keys token tokens secret secrets credential credentials org orgs config'.split(' '),
);

function named(command: string, words: string): Words {
  return Object.fromEntries(words.split(' ').map((word) => [word, command]));
}

/**
 * What to type behind `mesa` for a word of another program; undefined for a word that no known one has.
 * @param group the words before it, of a group: `auth api-keys`
 */
export function inOurWords(word: string, group: string): string | undefined {
  const words = IN_GROUP[group];
  if (words !== undefined && Object.hasOwn(words, word)) {
    return words[word];
  }
  return Object.hasOwn(ANYWHERE, word) ? ANYWHERE[word] : undefined;
}

/** Whether a word says what is meant, and not what to do with it. */
export function isNoun(word: string): boolean {
  return NOUNS.has(word);
}
