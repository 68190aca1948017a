import { spawnSync } from 'node:child_process';

const UNSHARE = [
  ['unshare', '--mount'],
  ['unshare', '--map-root-user', '--mount'],
];

/**
 * The beginning of a command line whose mounts nobody else sees and that end with it; undefined where neither root
 * rights nor user namespaces are to be had.
 */
export function mountNamespace(): readonly string[] | undefined {
  return UNSHARE.find(([command = '', ...args]) => {
    const mount = ['sh', '-c', 'mount -t tmpfs none /mnt'];
    return spawnSync(command, [...args, ...mount], { stdio: 'ignore' }).status === 0;
  });
}
