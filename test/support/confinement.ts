import { spawnSync } from 'node:child_process';

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

/** Whether this machine allows a mount namespace of one's own; some containers do not. */
export const CAN_MOUNT = spawnSync('unshare', ['-rm', 'true']).status === 0;

/** What runs a command after a script has mounted what it likes, seen by that command alone. */
export function withMounts(script: string): readonly string[] {
  return ['unshare', '-rm', '/bin/sh', '-ec', `${script}\nexec "$@"`, 'sh'];
}

/** Whether files can be given to another user. */
export const CAN_CHOWN = process.getuid?.() === 0;
export const ANOTHER_USER = 65_534;
