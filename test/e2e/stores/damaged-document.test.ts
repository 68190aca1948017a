import { expect, it } from 'vitest';

import { runMesa } from '../../support/run-mesa.ts';
import { fingerprint, writePlaintext } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const SECRET = 'mesa_s3cretInTheStore9f2c';
const ENTRY = `[keys."orgs/acme"]\nkey = "${SECRET}"\n`;
const COMMANDS = [
  ['list'],
  ['list', '--json'],
  ['get-key', '--org', 'acme'],
  ['get-key', '--explain'],
  ['set-key', 'mesa_anotherOne00000'],
  ['rm-key', '--org', 'acme'],
];
const MEND =
  'mesa has not changed it; mend it by hand, or: mv -i STORE STORE.damaged && mesa auth restore "$BACKUP"';

it.each([
  { title: 'nothing', text: '', what: ' is damaged: it has no version' },
  { title: 'no version', text: ENTRY, what: ' is damaged: it has no version' },
  { title: 'version 0', text: `version = 0\n${ENTRY}`, what: ' is damaged: its version is not 1' },
  {
    title: 'a version that is text',
    text: `version = "${SECRET}"\n`,
    what: ' is damaged: its version is not 1',
  },
  {
    title: 'a line that is none',
    text: `version = 1\n${ENTRY}${SECRET}\n`,
    what: ':4:26 is damaged: invalid TOML',
  },
  {
    title: 'an open string',
    text: `version = 1\n[keys.global]\nkey = "${SECRET}\n`,
    what: ':3:33 is damaged: invalid TOML',
  },
  { title: 'a table twice', text: `version = 1\n${ENTRY}${ENTRY}`, what: ':4:7 is damaged: invalid TOML' },
  {
    title: 'a table twice, spelled differently',
    text: `version = 1\n${ENTRY}[ keys . 'orgs/acme' ]\n`,
    what: ':4:10 is damaged: invalid TOML',
  },
  {
    title: 'a key twice',
    text: `version = 1\n${ENTRY}key = "${SECRET}"\n`,
    what: ':4:1 is damaged: invalid TOML',
  },
  {
    title: 'keys that are no table',
    text: `version = 1\nkeys = "${SECRET}"\n`,
    what: ' is damaged: "keys" is not a table',
  },
  {
    title: 'an entry that is no table',
    text: `version = 1\n[keys]\n"orgs/acme" = "${SECRET}"\n`,
    what: ' is damaged: the entry orgs/acme is not a table',
  },
  {
    title: 'an entry without a key',
    text: 'version = 1\n[keys."orgs/acme"]\n',
    what: ' is damaged: the key of orgs/acme is not a string',
  },
  {
    title: 'a key that is a number',
    text: 'version = 1\n[keys."orgs/acme"]\nkey = 12345678\n',
    what: ' is damaged: the key of orgs/acme is not a string',
  },
  {
    title: 'a key that is empty',
    text: 'version = 1\n[keys."orgs/acme"]\nkey = ""\n',
    what: ' is damaged: the key of orgs/acme is empty',
  },
  {
    title: 'a key of two words',
    text: `version = 1\n[keys."orgs/acme"]\nkey = "${SECRET} x"\n`,
    what: ' is damaged: the key of orgs/acme contains a space or tab',
  },
  {
    title: 'a key with an escape sequence',
    text: `version = 1\n[keys."orgs/acme"]\nkey = "${SECRET}\\u001b[0m"\n`,
    what: ' is damaged: the key of orgs/acme contains a control character',
  },
  {
    title: 'a date that is text',
    text: `version = 1\n${ENTRY}added = "${SECRET}"\n`,
    what: ' is damaged: the field "added" of orgs/acme is not a date-time',
  },
  {
    title: 'bytes that are no UTF-8',
    text: Buffer.from([...Buffer.from(`version = 1\n${ENTRY}# `), 0xff]),
    what: ' is damaged: it is not UTF-8 text',
  },
])('a document with $title is refused by every command, unchanged and unquoted', async ({ text, what }) => {
  const home = createTempHome();
  writePlaintext(home, '');
  home.write('.local/share/mesa/secrets.plaintext.toml', text);
  home.write('.local/share/mesa/.lock', '');
  const before = fingerprint(home);
  for (const args of COMMANDS) {
    const result = await runMesa(['auth', ...args], { home });
    expect({ args, ...result }).toMatchObject({
      args,
      status: 8,
      stdout: '',
      stderr: `mesa: the secret store ${home.plaintext}${what}\nhint: ${MEND.replaceAll('STORE', home.plaintext)}\n`,
    });
  }
  const debugged = await runMesa(['auth', 'list'], { home, env: { MESA_DEBUG: '1' } });
  expect(debugged.stderr).toContain('    at ');
  expect(debugged.stderr).not.toContain('s3cret');
  expect(fingerprint(home)).toEqual(before);
});

it.each(['2', '999999'])('a document of the later version %s is left alone', async (version) => {
  const home = createTempHome();
  writePlaintext(home, `version = ${version}\nfuture = true\n${ENTRY}`);
  home.write('.local/share/mesa/.lock', '');
  const before = fingerprint(home);
  for (const args of COMMANDS) {
    expect(await runMesa(['auth', ...args], { home })).toMatchObject({
      status: 8,
      stdout: '',
      stderr: `mesa: ${home.plaintext} has version ${version}; this mesa knows version 1\nhint: update mesa\n`,
    });
  }
  expect(fingerprint(home)).toEqual(before);
});
