import { vi } from 'vitest';

import { run } from '../../src/main.ts';
import type { Ended } from './authority.ts';

/** As `runProgram`, in this process: it starts slowly, and a suite has many. Not for a server that listens. */
export async function runHere(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const variables = { HOME: '/nonexistent', XDG_DATA_HOME: '', MESA_AUTHORITY_KEY: '', ...env };
  const before = { ...process.env };
  const umask = process.umask();
  Object.assign(process.env, variables);
  let stdout = '';
  let stderr = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...more) => {
    stdout += chunk.toString();
    // As a stream does it, when it has written.
    more.forEach((callback) => typeof callback === 'function' && queueMicrotask(callback));
    return true;
  });
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    stderr += chunk.toString();
    return true;
  });
  try {
    const status = await run(args);
    return { status, stdout, stderr };
  } finally {
    out.mockRestore();
    err.mockRestore();
    process.umask(umask);
    for (const name of Object.keys({ ...variables, ...before })) {
      const value = before[name];
      if (value === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = value;
      }
    }
  }
}
