import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

import { VaultCodec } from '../../../src/vault/vault-codec.ts';
import { NODE, runMesa, type RunOptions } from '../../support/run-mesa.ts';
import { documentOf, PASSPHRASE, UNLOCKED } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const MARGIN_BYTES = 160 * 1024 * 1024;
// The limit is one of addresses. WebAssembly and glibc's arenas, one a thread, reserve many that they never use.
const FRUGAL = { NODE_OPTIONS: '--disable-wasm-trap-handler', MALLOC_ARENA_MAX: '1' };

/** Derives so many keys at once, and prints the address space that it took, in KiB. */
function deriveAtOnce(count: number, under: readonly string[] = []): string {
  const script = `
    const { scrypt } = require('node:crypto');
    const { readFileSync } = require('node:fs');
    let left = ${count};
    for (let index = 0; index < ${count}; index += 1) {
      scrypt('a', 'b', 32, { N: 2 ** 18, r: 8, p: 1, maxmem: 2 ** 30 }, (error) => {
        if (error) process.exit(3);
        left -= 1;
        if (left === 0) console.log(/VmPeak:\\s+([0-9]+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      });
    }
  `;
  const [program, ...args] = [...under, NODE, '--eval', script] as const;
  return execFileSync(program, args, { env: FRUGAL, encoding: 'utf8', stdio: 'pipe' });
}

// RLIMIT_AS does not hold on macOS.
it.runIf(process.platform === 'linux')(
  'with memory for one key derivation but not for two, the vault is rewritten with one after the other',
  async () => {
    const limit = Number(deriveAtOnce(1)) * 1024 + MARGIN_BYTES;
    const under = ['prlimit', `--as=${limit}`];
    // The limit is one: under it, two at once fail.
    expect(() => deriveAtOnce(2, under)).toThrow(expect.objectContaining({ status: 3 }));

    const home = createTempHome();
    const seal = new VaultCodec({ passphrase: PASSPHRASE, path: home.vault }).prepareEncode(undefined, false);
    home.write('.local/share/mesa/secrets.vault.age', await seal(documentOf({ 'orgs/acme': 'mesa_first' })));
    const before = readFileSync(home.vault);

    const options: RunOptions = { home, env: { ...UNLOCKED, ...FRUGAL }, under, stdin: 'mesa_second' };
    expect(await runMesa(['auth', 'set-key', '--org', 'other'], options)).toMatchObject({
      status: 0,
      stderr: 'stored key for orgs/other (****) in encrypted-file\n',
    });
    expect(readFileSync(home.vault).equals(before)).toBe(false);
  },
);
