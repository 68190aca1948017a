// Packages ask Node for more than the program needs of them. These plugins of the bundler give them less, where that is
// felt at a start.

const EMPTY_MODULE = '\0empty.cjs';

// commander loads node:child_process, a fifth of a bare start, for subcommands that are programs of their own. There
// are none here.
const withoutExecutableCommands = {
  name: 'without-executable-commands',
  resolveId: (id, importer) =>
    id === 'node:child_process' && importer?.includes('/node_modules/commander/') === true
      ? EMPTY_MODULE
      : null,
  load: (id) => (id === EMPTY_MODULE ? 'module.exports = {};' : null),
};

// env-paths loads node:os, a hundredth of a start, to ask for the home directory at once, which throws for a user who
// has none. The answer is HOME, unless that is not set: then what env-paths finds is relative, and mesa asks the password
// database itself. The other two are there anyway, and named one by one they need no help of the bundler's.
const ENV_PATHS_IMPORTS = {
  'node:os': "export default { homedir: () => process.env.HOME ?? '', tmpdir: () => '' };",
  'node:path': "import { basename, join } from 'node:path'; export default { basename, join };",
  'node:process': 'export default process;',
};
const PREFIX = '\0env-paths:';
const envPathsWithoutOs = {
  name: 'env-paths-without-os',
  resolveId: (id, importer) =>
    id in ENV_PATHS_IMPORTS && importer?.includes('/node_modules/env-paths/') === true ? PREFIX + id : null,
  load: (id) => (id.startsWith(PREFIX) ? ENV_PATHS_IMPORTS[id.slice(PREFIX.length)] : null),
};

export const lighterPackages = [withoutExecutableCommands, envPathsWithoutOs];
