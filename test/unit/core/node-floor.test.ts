import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { describeOldNode, OLDEST_NODE } from '../../../src/core/node-floor.ts';

describe('the oldest Node', () => {
  it('is the one of both packages and of what is started', () => {
    const oldest = OLDEST_NODE.join('.');
    for (const file of ['package.json', 'authority/package.json']) {
      const { engines } = JSON.parse(readFileSync(file, 'utf8')) as { engines: { node: string } };
      expect(engines.node).toBe(`>=${oldest}`);
    }
    const [major, minor] = OLDEST_NODE;
    const tests: Record<string, string> = {
      'bin/mesa.cjs': `major < ${major} || (major === ${major} && minor < ${minor})`,
      'authority/bin/mesa-authority.mjs': `major > ${major} || (major === ${major} && minor >= ${minor})`,
    };
    for (const [file, test] of Object.entries(tests)) {
      const started = readFileSync(file, 'utf8');
      expect(started).toContain(`if (${test})`);
      expect(started).toContain(`needs Node ${oldest} or newer`);
    }
  });

  it.each(['v20.17.0', 'v20.17.0-nightly20240901', 'v20.20.2', 'v21.0.0', 'v22.3.0', 'v26.12.1', 'v100.0.0'])(
    'is not newer than %s',
    (version) => {
      expect(describeOldNode('mesa', version)).toBeUndefined();
    },
  );

  it.each(['v20.16.0', 'v20.2.0', 'v20.0.0', 'v18.99.0', 'v16.20.2', 'v9.11.2', 'v0.12.18'])(
    'is newer than %s',
    (version) => {
      expect(describeOldNode('mesa', version)).toBe(
        `Node ${version.slice(1)} is too old; mesa needs Node 20.17 or newer`,
      );
    },
  );
});
