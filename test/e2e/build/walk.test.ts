import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';
import { walk } from '../../support/walk.ts';

const KEY = 'mesa_Lq8sN2pX9f2c';

/** The files that a walk in docs/architecture.md names. */
function documentedWalk(command: string): readonly string[] {
  const page = readFileSync('docs/architecture.md', 'utf8');
  const section = page.split(/^### /m).find((part) => part.startsWith(`\`${command}\``)) ?? '';
  const named = Array.from(section.matchAll(/`([\w/-]+\.ts)`/g), ([, file]) => `src/${file}`);
  return [...new Set(named)];
}

it.each([
  ['mesa auth get-key --org acme', 20, undefined],
  ['mesa auth set-key --org acme', 28, KEY],
])(
  '%s opens at most %i files of the source, which docs/architecture.md names',
  async (command, most, stdin) => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
    const files = await walk(command.split(' ').slice(1), {
      home,
      ...(stdin === undefined ? {} : { stdin }),
    });
    expect(files.length).toBeLessThanOrEqual(most);
    expect(documentedWalk(command).toSorted()).toEqual(files);
  },
);
