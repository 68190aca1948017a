// Nothing here may need a newer Node than the one that it refuses.

/** As "engines" in package.json: major and minor. */
export const OLDEST_NODE = [20, 17] as const;

/**
 * Why this Node cannot run a program of ours, as one sentence; undefined for one that can.
 * @param program as it is called
 * @param version as `process.version` has it: `v20.17.0`
 */
export function describeOldNode(program: string, version: string): string | undefined {
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
    ? undefined
    : `Node ${version.slice(1)} is too old; ${program} needs Node ${oldestMajor}.${oldestMinor} or newer`;
}
