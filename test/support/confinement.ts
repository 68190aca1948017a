import { spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OVERRIDES = '-dac_override,-dac_read_search';

/** What runs a command without the capabilities that let root, also that of a namespace, pass over file modes. */
export const WITHOUT_OVERRIDES: readonly string[] = [
  'setpriv',
  `--bounding-set=${OVERRIDES}`,
  `--inh-caps=${OVERRIDES}`,
  '--',
];

/** What runs a command so that file modes hold for it. Nothing for any other user than root. */
export const OBEYING_MODES: readonly string[] = process.getuid?.() === 0 ? WITHOUT_OVERRIDES : [];

/** Whether this machine allows mounts in a namespace of one's own; some containers do not. */
export const CAN_MOUNT = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', tmpdir()]).status === 0;

/** What runs a command after a script has mounted what it likes, seen by that command alone. */
export function withMounts(script: string): readonly string[] {
  return ['unshare', '-rm', '/bin/sh', '-ec', `${script}\nexec "$@"`, 'sh'];
}

export const ANOTHER_USER = 65_534;

/** Whether files can be given to another user: by root, but in a user namespace only when it knows that user. */
export const CAN_CHOWN = canChown();

function canChown(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'mesa-chown-'));
  try {
    chownSync(dir, ANOTHER_USER, ANOTHER_USER);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(dir, { recursive: true });
  }
}
