/** Names that say that the value is a secret: such a word between underscores, or at the end of one word. */
const SECRET_WORD =
  /(?:^|[^A-Z0-9])(?:KEYS?|PASS|PWD|PAT|CREDS?|COOKIE|DSN|JWT|BEARER|SECRETS?|TOKENS?|PASSWORDS?|PASSWD|PASSPHRASE|CREDENTIALS?|APIKEYS?|AUTHORIZATION)(?=$|[^A-Z0-9])/;
const SECRET_END =
  /(?:SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|(?:API|PRIVATE|SECRET|ENCRYPTION|SIGNING|ACCESS|MASTER)KEY|DBPASS|AUTHORIZATION|[^A-Z0-9]AUTH)$/;
/** The working directory, on every system. */
const HARMLESS_NAMES: ReadonlySet<string> = new Set(['PWD', 'OLDPWD']);

// What services put before their keys, so that leaks are found: mesa, GitHub, GitLab, Slack, Stripe and OpenAI, AWS,
// npm, PyPI, Google; a JWT; a private key in PEM.
const SECRET_VALUE =
  /(?:^|[^A-Za-z0-9/.])(?:mesa_|gh[pousr]_|github_pat_|glpat-|xox[abposr]-|sk[-_]|rk_|AKIA|ASIA|npm_|pypi-|AIza)[A-Za-z0-9_-]{6}|eyJ[A-Za-z0-9_-]+\.eyJ|-----BEGIN [A-Z ]*PRIVATE KEY/;
// RFC 9110, section 11.4: a header's value, whose scheme has no case.
const HTTP_CREDENTIALS = /\b(?:basic|bearer)\s+\S{8}/i;
// RFC 3986, section 3.2.1: `scheme://user:password@host`.
const URL_WITH_PASSWORD = /[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i;

/** Whether a variable of the environment looks as if it held a secret, by its name or by its value. */
export function looksSecret(name: string, value: string): boolean {
  const upper = name.toUpperCase();
  return (
    value !== '' &&
    !HARMLESS_NAMES.has(upper) &&
    (SECRET_WORD.test(upper) ||
      SECRET_END.test(upper) ||
      SECRET_VALUE.test(value) ||
      HTTP_CREDENTIALS.test(value) ||
      URL_WITH_PASSWORD.test(value))
  );
}
