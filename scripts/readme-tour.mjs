// The console blocks of the README that are marked `<!-- tour -->`: runs them, in a throwaway home directory, with the
// mesa that was built, and compares what they print with what the README shows. For `npm run tour`, and for the tests.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { builtProgram } from './built-from.mjs';

/**
 * The blocks of a README.
 * @param {string} readme its text
 * @param {string} [mark] what they are marked with: `tour: server` for what needs a server
 * @returns {{ command: string, output: string }[][]} for each block its commands, with the output that is shown
 */
export function parseTour(readme, mark = 'tour') {
  const blocks = [...readme.matchAll(new RegExp(`<!-- ${mark} -->\n\`\`\`console\n([\\s\\S]*?)\`\`\``, 'g'))];
  return blocks.map(([, body = '']) =>
    body
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...lines] = part.split('\n');
        return { command, output: lines.join('\n') };
      }),
  );
}

/**
 * Runs the commands of one block in one shell, and compares them with what the block shows.
 * @param {readonly { command: string, output: string }[]} block
 * @param {{ env?: Readonly<Record<string, string>>, settle?: (text: string) => string }} [options] further variables,
 *   and what makes the same what differs from run to run, beyond dates, times and process ids
 * @returns {{ ran: { command: string, output: string, status: number | undefined }[], difference: string | undefined }}
 *   what each printed on stdout and stderr, up to the first that differs, and in what that one does
 * @throws {Error} where mesa is not built
 */
export function runBlock(block, { env = {}, settle = (text) => text } = {}) {
  const days = [today()];
  const all = runCommands(block, env);
  // Midnight may be in between.
  days.push(today());
  const differences = block.map((step, index) => differenceOf(step, all[index], days, settle));
  const first = differences.findIndex((difference) => difference !== undefined);
  return first === -1
    ? { ran: all, difference: undefined }
    : { ran: all.slice(0, first + 1), difference: differences[first] };
}

/** The home directory is `~` in what is printed. A shell that ended early has no status for what came after. */
function runCommands(block, env) {
  const home = mkdtempSync(join(tmpdir(), 'mesa-tour-'));
  try {
    symlinkSync(builtProgram('mesa'), join(home, 'mesa'));
    const script = block.map(({ command }) => `${command}\nprintf '\\001%d\\001' "$?"`).join('\n');
    const { stdout, error } = spawnSync('sh', ['-c', `exec 2>&1\n${script}`], {
      cwd: home,
      env: { HOME: home, PATH: `${home}${delimiter}${process.env['PATH'] ?? ''}`, ...env },
      encoding: 'utf8',
    });
    if (error !== undefined) {
      throw error;
    }
    const parts = stdout.split('\u0001');
    return block.map(({ command }, index) => {
      const [output = '', status] = parts.slice(2 * index);
      return {
        command,
        output: output.replaceAll(home, '~').replace(/(?<!\n)$/, '\n'),
        status: status === undefined || status === '' ? undefined : Number(status),
      };
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * A status other than 0 is shown by a line of an error, `mesa: ...`; without one it differs from what is shown.
 * @returns {string | undefined} undefined where nothing differs
 */
function differenceOf(shown, { command, output, status }, days, settle) {
  const expected = settleMoments(settle(shown.output), /[0-9]{4}-[0-9]{2}-[0-9]{2}/g);
  const printed = settleMoments(settle(output), new RegExp(days.join('|'), 'g'));
  if (printed !== expected) {
    return `'${command}' does not print what is shown:\n${compareLines(expected, printed)}`;
  }
  if (status === undefined) {
    return `'${command}' ended the shell`;
  }
  return status === 0 || /^mesa: /m.test(shown.output)
    ? undefined
    : `'${command}' ended with status ${status}, and no error is shown`;
}

/** Of days, times and process ids only the places. */
function settleMoments(text, day) {
  return text
    .replace(day, 'TODAY')
    .replace(/T[0-9:]{8}Z/g, 'T10:00:00Z')
    .replace(/\([0-9]+\)$/gm, '(4711)')
    .trimEnd();
}

/** Lines that are shown alone begin with `-`, lines that were printed alone with `+`. */
function compareLines(expected, printed) {
  const before = expected === '' ? [] : expected.split('\n');
  const after = printed === '' ? [] : printed.split('\n');
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) {
    tail += 1;
  }
  return [
    ...before.slice(0, head).map((line) => `  ${line}`),
    ...before.slice(head, before.length - tail).map((line) => `- ${line}`),
    ...after.slice(head, after.length - tail).map((line) => `+ ${line}`),
    ...after.slice(after.length - tail).map((line) => `  ${line}`),
  ].join('\n');
}

function today() {
  return new Date().toISOString().slice(0, 'YYYY-MM-DD'.length);
}
