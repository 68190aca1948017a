/** What holds in every repository; their own settings, which only the operator can write, come after these. */
const SETTINGS: Readonly<Record<string, string>> = {
  // The operator named the directory: the owners of a container's volume or a network share are no reason to refuse.
  'safe.directory': '*',
  'core.hooksPath': '/dev/null',
  // A push is acknowledged when it is on the disk: git alone does not wait for loose objects.
  'core.fsync': 'committed',
  'receive.fsckObjects': 'true',
  // Harmless, and in many old histories.
  'receive.fsck.badTimezone': 'ignore',
  'receive.fsck.missingSpaceBeforeDate': 'ignore',
  'receive.fsck.zeroPaddedFilemode': 'ignore',
  'uploadpack.allowFilter': 'true',
};

/**
 * For every git that the server starts: the settings of its user and machine are not the server's, and the server's
 * environment, which may hold the master key, is not git's.
 */
export function gitEnvironment(settings: Readonly<Record<string, string>> = {}): Record<string, string> {
  const all = Object.entries({ ...SETTINGS, ...settings });
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: '/nonexistent',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: String(all.length),
    ...Object.fromEntries(
      all.flatMap(([name, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, name],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
    // A delta of some bytes can spell gigabytes. Files above core.bigFileThreshold, 512 MiB, are streamed.
    GIT_ALLOC_LIMIT: '640m',
    // refs/replace is pushed by anybody, and what one repository says of a commit must not hold in another.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C.UTF-8',
  };
}
