import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { runMesa, runShell, startMesa } from '../../support/run-mesa.ts';
import { fingerprint } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_fromStandardInput9f2c';
const LONGEST = 'k'.repeat(16_384);
const FORM = 'a key is 1 to 16,384 characters of printable ASCII without spaces';
const HOW = 'give the key on standard input: printf %s "$TOKEN" | mesa auth set-key';

function plaintextHome(): TempHome {
  const home = createTempHome();
  home.useBackend('plaintext-file');
  return home;
}

async function storedKey(home: TempHome): Promise<string> {
  return (await runMesa(['auth', 'get-key'], { home })).stdout;
}

describe('a key on standard input', () => {
  it.each([
    { title: 'without a line break', stdin: KEY, key: KEY },
    { title: 'with LF at the end', stdin: `${KEY}\n`, key: KEY },
    { title: 'with CRLF at the end', stdin: `${KEY}\r\n`, key: KEY },
    { title: 'of one character', stdin: '~', key: '~' },
    { title: 'of 16,384 bytes', stdin: LONGEST, key: LONGEST },
    { title: 'of 16,384 bytes and CRLF', stdin: `${LONGEST}\r\n`, key: LONGEST },
    {
      title: 'with what other formats quote',
      stdin: `"a,b:c'd\\e#f=[g]$h%i!`,
      key: `"a,b:c'd\\e#f=[g]$h%i!`,
    },
  ])('is stored byte for byte $title', async ({ stdin, key }) => {
    const home = plaintextHome();
    expect(await runMesa(['auth', 'set-key'], { home, stdin })).toMatchObject({ status: 0, stdout: '' });
    expect(await storedKey(home)).toBe(`${key}\n`);
  });

  it.each([
    { title: 'nothing', stdin: '', problem: 'is empty', hint: `${HOW} --org acme` },
    { title: 'LF alone', stdin: '\n', problem: 'is empty', hint: `${HOW} --org acme` },
    { title: 'CRLF alone', stdin: '\r\n', problem: 'is empty', hint: `${HOW} --org acme` },
    { title: 'two line breaks at the end', stdin: `${KEY}\n\n`, problem: 'contains a line break' },
    { title: 'CR alone at the end', stdin: `${KEY}\r`, problem: 'contains a line break' },
    { title: 'two lines', stdin: `${KEY}\n${KEY}\n`, problem: 'contains a line break' },
    { title: 'a line break before it', stdin: `\n${KEY}`, problem: 'contains a line break' },
    { title: 'a space inside', stdin: 'mesa_from Standard', problem: 'contains a space or tab' },
    { title: 'a space behind', stdin: `${KEY} \n`, problem: 'contains a space or tab' },
    { title: 'a tab', stdin: `\t${KEY}`, problem: 'contains a space or tab' },
    { title: 'NUL', stdin: `${KEY}\0`, problem: 'contains a control character' },
    { title: 'an escape sequence', stdin: `${KEY}\u001b[0m`, problem: 'contains a control character' },
    { title: 'DEL', stdin: `${KEY}\u007f`, problem: 'contains a control character' },
    { title: 'a byte order mark', stdin: `\ufeff${KEY}\n`, problem: 'starts with a byte order mark' },
    { title: 'an umlaut', stdin: `${KEY}\u00fc`, problem: 'contains a character outside printable ASCII' },
    {
      title: 'a look-alike letter',
      stdin: `mes\u0430_${KEY}`,
      problem: 'contains a character outside printable ASCII',
    },
    {
      title: 'invalid UTF-8',
      stdin: Buffer.from([...Buffer.from(KEY), 0xff]),
      problem: 'contains a character outside printable ASCII',
    },
    {
      title: 'UTF-16',
      stdin: Buffer.from(`\ufeff${KEY}`, 'utf16le'),
      problem: 'contains a control character',
    },
    { title: '16,385 bytes', stdin: `${LONGEST}k`, problem: 'is longer than 16384 bytes' },
  ])('is refused when it is $title, and nothing is stored', async ({ stdin, problem, hint = FORM }) => {
    const home = plaintextHome();
    const before = fingerprint(home);
    expect(await runMesa(['auth', 'set-key', '--org', 'acme'], { home, stdin })).toMatchObject({
      status: 2,
      stdout: '',
      stderr: `mesa: the key on standard input ${problem}\nhint: ${hint}\n`,
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it.each([
    { title: 'a second line', sent: `${KEY}\nx` },
    { title: 'a space', sent: 'two words' },
    { title: 'NUL', sent: '\0' },
    { title: 'invalid UTF-8', sent: Buffer.from([0x61, 0xc3, 0x28]) },
    { title: '16,385 bytes', sent: `${LONGEST}k` },
  ])('is refused at $title while its writer keeps the pipe open', async ({ sent }) => {
    const home = plaintextHome();
    const child = startMesa(['auth', 'set-key'], { home });
    const ended = once(child, 'exit');
    child.stdin?.write(sent);
    expect(await ended).toEqual([2, null]);
    child.stdin?.destroy();
    expect(home.tree()).not.toContain('.local/');
  });

  it.each([
    'yes mesa_forever | mesa auth set-key',
    'yes mesa_forever | tr -d "\\n" | mesa auth set-key',
    'head -c 10485760 /dev/zero | tr "\\0" k | mesa auth set-key',
    'mesa auth set-key < /dev/zero',
  ])('is refused without reading all of it: %s', async (script) => {
    const home = plaintextHome();
    const result = await runShell(script, { home });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(/^mesa: the key on standard input (?:contains|is longer)/);
    expect(result.stderr).not.toContain('mesa_forever');
    expect(home.tree()).not.toContain('.local/');
  });

  it('may come slowly, byte after byte', async () => {
    const home = plaintextHome();
    const child = startMesa(['auth', 'set-key'], { home });
    const ended = once(child, 'exit');
    for (const byte of `${KEY}\r\n`) {
      child.stdin?.write(byte);
      await sleep(10);
    }
    child.stdin?.end();
    expect(await ended).toEqual([0, null]);
    expect(await storedKey(home)).toBe(`${KEY}\n`);
  });

  it.each([
    { title: 'closed', redirection: '<&-' },
    { title: '/dev/null', redirection: '</dev/null' },
  ])('is missing when standard input is $title, with -y as well', async ({ redirection }) => {
    const home = plaintextHome();
    for (const flag of ['', '-y']) {
      expect(await runShell(`mesa auth set-key ${flag} ${redirection}`, { home })).toMatchObject({
        status: 2,
        stdout: '',
        stderr: `mesa: the key on standard input is empty\nhint: ${HOW}\n`,
      });
    }
    expect(home.tree()).not.toContain('.local/');
  });

  it('cannot be read from a directory', async () => {
    const home = plaintextHome();
    expect(await runShell('mesa auth set-key </', { home })).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'mesa: cannot read standard input: it is a directory\n',
    });
    expect(home.tree()).not.toContain('.local/');
  });

  it('may be in a file', async () => {
    const home = plaintextHome();
    home.write('key.txt', `${KEY}\n`);
    expect((await runShell('mesa auth set-key <key.txt', { home })).status).toBe(0);
    expect(await storedKey(home)).toBe(`${KEY}\n`);
  });
});

describe('a key as an argument', () => {
  it('goes before standard input, which is then not even read', async () => {
    const home = plaintextHome();
    const child = startMesa(['auth', 'set-key', KEY], { home });
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await storedKey(home)).toBe(`${KEY}\n`);
  });

  it('may start with a hyphen behind --', async () => {
    const home = plaintextHome();
    expect((await runMesa(['auth', 'set-key', '--', '-y'], { home })).status).toBe(0);
    expect(await storedKey(home)).toBe('-y\n');
  });

  it.each([
    { key: '', problem: 'is empty' },
    { key: 'two words', problem: 'contains a space or tab' },
    { key: `${KEY}\n`, problem: 'contains a line break' },
    { key: `${KEY}\u2060`, problem: 'contains a character outside printable ASCII' },
    { key: `${LONGEST}k`, problem: 'is longer than 16384 bytes' },
  ])('is refused when it $problem', async ({ key, problem }) => {
    const home = plaintextHome();
    expect(await runMesa(['auth', 'set-key', key], { home, stdin: KEY })).toMatchObject({
      status: 2,
      stdout: '',
      stderr: `mesa: the key ${problem}\nhint: ${FORM}\n`,
    });
    expect(home.tree()).not.toContain('.local/');
  });
});
