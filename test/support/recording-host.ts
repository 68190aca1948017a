import type { Host } from '../../src/platform/host.ts';
import type { TempHome } from './temp-home.ts';

/** A process that is none, and what it said. */
export function recordingHost(
  home: TempHome,
  env: Readonly<Record<string, string>>,
): { host: Host; said: () => { text: string; data: string } } {
  let text = '';
  let data = '';
  const host: Host = {
    env: { HOME: home.path, PATH: '', ...env },
    platform: 'linux',
    stdout: { isTerminal: false, write: (more) => void (data += more) },
    stderr: { isTerminal: false, write: (more) => void (text += more) },
    stdin: { isTerminal: false, chunks: () => [] },
    cwd: () => home.path,
    script: '/mesa.cjs',
    now: () => new Date('2026-11-21T10:00:00.000Z'),
  };
  return { host, said: () => ({ text, data }) };
}
