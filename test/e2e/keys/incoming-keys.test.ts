import { once } from 'node:events';

import { describe, expect, it } from 'vitest';

import { runMesa, runShell, startMesa, type RunResult } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, writePlaintext } from '../../support/stores.ts';
import { createTempHome, readIfExists, type TempHome } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';

const KEY = 'mesa_Hd5rB7yKc0de';
const PRESENT = 'mesa_Lq8sN2pX9f2c';

function filledHome(): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ global: PRESENT, 'orgs/acme': PRESENT }));
  return home;
}

/** Every way in that needs no terminal, and how to take a key by it. */
const DOORS: Readonly<Record<string, (home: TempHome, text: string) => Promise<RunResult>>> = {
  'an argument': (home, text) => runMesa(['auth', 'set-key', '--org', 'acme', '--', text], { home }),
  'standard input': (home, text) => runMesa(['auth', 'set-key', '--org', 'acme'], { home, stdin: text }),
  MESA_ORGS: (home, text) => runMesa(['auth', 'list'], { home, env: { MESA_ORGS: `acme:${text}` } }),
  MESA_ORGS_FILE: (home, text) =>
    runMesa(['auth', 'list'], { home, env: { MESA_ORGS_FILE: home.write('secret', `acme:${text}`) } }),
  MESA_API_KEY: (home, text) => runMesa(['auth', 'get-key'], { home, env: { MESA_API_KEY: text } }),
  MESA_API_KEY_FILE: (home, text) =>
    runMesa(['auth', 'get-key'], { home, env: { MESA_API_KEY_FILE: home.write('secret', text) } }),
};

const REFUSED: readonly (readonly [text: string, problem: RegExp])[] = [
  ['\n', /is empty/],
  [`${KEY}\n\n`, /contains a line break/],
  [`${KEY}\r`, /contains a line break/],
  [`${KEY} x`, /contains a space or tab/],
  [`${KEY}\u00a0`, /contains a character outside printable ASCII/],
  [`${KEY}\u200b\n`, /contains a character outside printable ASCII/],
  [`\ufeff${KEY}`, /starts with a byte order mark/],
  [`${KEY}\u001b[0m`, /contains a control character/],
  ['k'.repeat(16_385), /is longer than 16384 bytes/],
  ['mesa_****c0de', /looks like a mask of a key/],
  [`"${KEY}"`, /is in quotes/],
  [`'${KEY}'\n`, /is in quotes/],
  ['$MESA_TOKEN', /looks like a variable that was not expanded/],
  ['${MESA_TOKEN}', /looks like a variable that was not expanded/],
  [`MESA_API_KEY=${KEY}`, /looks like an assignment/],
  ['undefined', /looks like a missing value/],
  ['null\r\n', /looks like a missing value/],
];

describe.each(Object.keys(DOORS))('a key by %s', (door) => {
  const take = DOORS[door] ?? (() => Promise.reject(new Error(door)));

  it.each(REFUSED)(
    'is refused by name where it is none, and nothing is stored (%#)',
    async (text, problem) => {
      const home = filledHome();
      home.write('secret', '');
      const before = readIfExists(home.plaintext);
      const { status, stdout, stderr } = await take(home, text);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr.split('\n')[0]).toMatch(problem);
      expect(stderr).not.toMatch(/c0de|MESA_TOKEN|undefined|null/);
      expect(readIfExists(home.plaintext)).toBe(before);
      expect(home.tree()).not.toContain('.local/share/mesa/uses.log');
    },
  );

  it.each(['', '\n', '\r\n'])('is taken without the line break at its end (%#)', async (end) => {
    const home = filledHome();
    const result = await take(home, KEY + end);
    expect(result.status).toBe(0);
    expect(`${result.stdout}${readIfExists(home.plaintext)}`).toMatch(
      new RegExp(`(?:^|")${KEY}(?:"|\n)`, 'm'),
    );
  });
});

it.each([['mesa_****c0de'], [`"${KEY}"`], ['undefined']])(
  'set-key --yes stores what looks like no key: %s, as an argument and on standard input',
  async (text) => {
    const home = filledHome();
    const hint = (await runMesa(['auth', 'set-key', '--org', 'b'], { home, stdin: text })).stderr.split(
      'hint: ',
    )[1];
    expect(hint).toBe('printf %s "$TOKEN" | mesa auth set-key --org b --yes\n');
    expect((await runMesa(['auth', 'set-key', '--org', 'b', '--yes'], { home, stdin: text })).status).toBe(0);
    expect((await runMesa(['auth', 'get-key', '--org', 'b'], { home })).stdout).toBe(`${text}\n`);
    expect((await runMesa(['auth', 'set-key', '--yes', text], { home })).status).toBe(0);
    expect((await runMesa(['auth', 'get-key'], { home })).stdout).toBe(`${text}\n`);
  },
);

describe('an argument that looks like a name', () => {
  it.each([
    ['acme', '--org acme'],
    ['Acme-Corp2', '--org Acme-Corp2'],
    ['acme/web', '--org acme --repo web'],
    ['orgs/acme/repos/web', '--org acme --repo web'],
  ])('is stored with a warning where nobody can be asked: %s', async (name, flags) => {
    const home = filledHome();
    const { status, stdout, stderr } = await runMesa(['auth', 'set-key', name], { home });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toContain(`warning: '${name}' looks like a name, not like a key\n`);
    expect(stderr).toContain(`hint: printf %s "$TOKEN" | mesa auth set-key ${flags}\n`);
    expect((await runMesa(['auth', 'get-key'], { home })).stdout).toBe(`${name}\n`);
  });

  it.each([
    [['acme', '--org', 'x']],
    [['acme', '--yes']],
    [[KEY]],
    [['9f8a7c6d5e4b']],
    [['eyJh.e30.c2ln']],
    [['qX7tR2mB9wK4']],
  ])('is not suspected in %s', async (args) => {
    const { status, stderr } = await runMesa(['auth', 'set-key', ...args], { home: filledHome() });
    expect(status).toBe(0);
    expect(stderr).not.toMatch(/warning|hint/);
  });

  it('is asked about on a terminal, where no is the default and stores nothing', async () => {
    const home = filledHome();
    const before = fingerprint(home);
    const terminal = openTerminal({ home });
    terminal.type('mesa auth set-key acme\r');
    await terminal.answer("'acme' looks like a name, not like a key. Store it as the global key", '');
    expect(await terminal.ended()).toBe(2);
    expect(terminal.screen()).toContain('hint: printf %s "$TOKEN" | mesa auth set-key --org acme');
    expect(fingerprint(home)).toEqual(before);
    terminal.clear();
    terminal.type('mesa auth set-key acme\r');
    await terminal.answer("'acme' looks like a name, not like a key. Store it as the global key", 'y');
    expect(await terminal.ended()).toBe(0);
    expect((await runMesa(['auth', 'get-key'], { home })).stdout).toBe('acme\n');
  });
});

describe('a key as an argument and something on standard input', () => {
  it.each([
    `printf %s ${KEY} | { sleep 0.2; mesa auth set-key acme; }`,
    `printf %s ${KEY} | { sleep 0.2; mesa auth set-key ${KEY} --org acme; }`,
    `printf %s ${KEY} | { sleep 0.2; mesa auth set-key acme --yes; }`,
    `echo ${KEY} >key; mesa auth set-key acme <key`,
  ])('is a usage error, and nothing is stored: %s', async (script) => {
    const home = filledHome();
    const before = readIfExists(home.plaintext);
    const { status, stdout, stderr } = await runShell(script, { home });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(
      /^mesa: there is a key as an argument, and something on standard input, too\nhint: printf/,
    );
    expect(stderr).not.toContain('c0de');
    expect(readIfExists(home.plaintext)).toBe(before);
  });

  it('is one where standard input is a socket, too', async () => {
    const home = filledHome();
    const before = readIfExists(home.plaintext);
    expect((await runMesa(['auth', 'set-key', 'acme'], { home, stdin: KEY })).status).toBe(2);
    expect(readIfExists(home.plaintext)).toBe(before);
  });

  it.each([
    `mesa auth set-key ${KEY} </dev/null`,
    `mesa auth set-key ${KEY} <&-`,
    `: >empty; mesa auth set-key ${KEY} <empty`,
    `: | { sleep 0.1; mesa auth set-key ${KEY}; }`,
    `mkfifo open; sleep 30 <>open & exec 3<>open; mesa auth set-key ${KEY} <open; s=$?; kill $!; exit $s`,
  ])('is none where there is nothing: %s', async (script) => {
    const home = filledHome();
    expect((await runShell(script, { home })).status).toBe(0);
    expect((await runMesa(['auth', 'get-key'], { home })).stdout).toBe(`${KEY}\n`);
  });

  it('waits for nobody who keeps standard input open', async () => {
    const home = filledHome();
    const child = startMesa(['auth', 'set-key', KEY], { home });
    expect(await once(child, 'exit')).toEqual([0, null]);
    child.stdin?.destroy();
  });
});
