// Runs the console blocks of the README that are marked `<!-- tour -->`, in a throwaway home directory, with the mesa
// that was just built. Run as a program it shows them; the tests compare what it gives with what the README says.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(import.meta.dirname, '..');

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
 * Runs the commands of one block in one shell, in a home directory of its own.
 * @param {readonly { command: string }[]} steps
 * @param {Readonly<Record<string, string>>} [env] further variables
 * @returns {{ command: string, output: string }[]} what each printed on stdout and stderr; the home directory is `~`
 */
export function runTour(steps, env = {}) {
  const home = mkdtempSync(join(tmpdir(), 'mesa-tour-'));
  try {
    symlinkSync(join(root, 'dist/mesa.cjs'), join(home, 'mesa'));
    const mark = '\u0001';
    const script = steps.map(({ command }) => `${command}\nprintf '\\001'`).join('\n');
    const { stdout } = spawnSync('sh', ['-c', `exec 2>&1\n${script}`], {
      cwd: home,
      env: { HOME: home, PATH: `${home}${delimiter}${process.env['PATH'] ?? ''}`, ...env },
      encoding: 'utf8',
    });
    const outputs = stdout.split(mark);
    return steps.map(({ command }, index) => ({
      command,
      output: (outputs[index] ?? '').replaceAll(home, '~').replace(/(?<!\n)$/, '\n'),
    }));
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const block of parseTour(readFileSync(join(root, 'README.md'), 'utf8'))) {
    for (const { command, output } of runTour(block)) {
      process.stdout.write(`$ ${command}\n${output.trim() === '' ? '' : output}`);
    }
    process.stdout.write('\n');
  }
}
