import type { ExitStatus } from '../../errors.ts';

/** What every exit status means. The type makes sure that none is missing; a test holds the README to it. */
const MEANINGS: Readonly<Record<ExitStatus, string>> = {
  1: 'unexpected failure, as a full disk; findings of doctor',
  2: "usage: flags, names, the key's value, malformed MESA_ORGS; what needs --yes or --merge",
  3: 'configuration: config.toml, unknown backend, unusable HOME, a _FILE variable whose file cannot be read',
  4: 'no key: the lookup or rm-key found none; no store to back up, no vault to change; no such API key or repository on the server',
  5: 'the server refused the key, or the key was stored for another API',
  6: 'locked: no passphrase to be had, or a wrong one',
  7: 'the server cannot be reached',
  8: 'the store is damaged, unsafe, or busy for more than a minute',
  9: 'a key ends within the time that --fail-within names, or had ended when git asked for it',
  126: 'exec: the command cannot be run',
  127: 'exec: there is no such command',
  130: 'interrupted with Ctrl-C',
};

export const EXIT_CODES: readonly { readonly code: string; readonly meaning: string }[] = [
  { code: '0', meaning: 'done' },
  ...Object.entries(MEANINGS)
    .filter(([code]) => Number(code) < 128)
    .map(([code, meaning]) => ({ code, meaning })),
  { code: '128+n', meaning: 'ended by signal n (130: Ctrl-C)' },
];
