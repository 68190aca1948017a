// `npm run tour`: runs the tour of the README and shows it. Ends with 1 at the first command that fails, or prints
// something else than the README shows.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { builtProgramOrExit } from './built-from.mjs';
import { parseTour, runBlock } from './readme-tour.mjs';

// Whether the tour went well is to be known also when its reader has gone away, as `head` does.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') {
      process.exitCode = 1;
    }
  });
}

builtProgramOrExit('mesa');
const blocks = parseTour(readFileSync(join(resolve(import.meta.dirname, '..'), 'README.md'), 'utf8'));
if (blocks.length === 0) {
  fail('README.md has no tour');
}
for (const block of blocks) {
  const { ran, difference } = runBlock(block);
  for (const { command, output } of ran) {
    process.stdout.write(`$ ${command}\n${output.trim() === '' ? '' : output}`);
  }
  process.stdout.write('\n');
  if (difference !== undefined) {
    fail(difference);
    break;
  }
}

function fail(why) {
  process.stderr.write(`the tour of README.md fails: ${why}\n`);
  process.exitCode = 1;
}
