// How the files of commands are bundled: see docs/decisions/0016-plain-command-lines.md.
import { basename } from 'node:path';

const COMMANDS = 'commands';

/** The files with the declarations of commands. */
const DECLARING = new Set([`${COMMANDS}.cjs`, 'set-key.cjs']);

/** For `codeSplitting.groups`. */
export const COMMAND_GROUPS = [
  // Help loads every command, and one file is loaded faster than two dozen. But set-key is started often enough to have its own.
  {
    name: COMMANDS,
    test: /\/src\/(?:cli\/(?:commands\/(?!set-key\.ts)|command-line\/(?:shared-flags|help-topics)\.ts$)|access-token\/permissions\.ts$)/,
    includeDependenciesRecursively: false,
  },
  { name: nameSoleCommand, debugName: 'one command', includeDependenciesRecursively: false },
];

/**
 * @param {string} id a module's path
 * @param {import('rolldown').ChunkingContext} graph
 * @returns {string | null} the one command that it is loaded for; null when it may be loaded for something else, too
 */
function nameSoleCommand(id, graph) {
  const commands = new Set();
  // A set is visited to its end, what is added meanwhile included.
  const users = new Set([id]);
  for (const user of users) {
    const { importers = [], dynamicImporters = [] } = graph.getModuleInfo(user) ?? {};
    if (user.includes('/src/cli/commands/')) {
      commands.add(basename(user, '.ts'));
    } else if (importers.length === 0 || dynamicImporters.length > 0) {
      return null;
    } else {
      importers.forEach((importer) => users.add(importer));
    }
  }
  return commands.size === 1 ? [...commands][0] : null;
}

/**
 * In the files of the commands, imports become calls: a command's modules are loaded when it uses them, and none of
 * them for its help. The line numbers stay.
 * @param {string} fileName of a file of the bundle
 * @param {string} code
 * @throws an error when the bundler writes imports in another way than this knows
 */
export function loadWhenUsed(fileName, code) {
  if (!DECLARING.has(fileName)) {
    return code;
  }
  const names = [];
  const late = code.replace(
    /^(?:const|let) (\w+) = require\("(?!\.\/(?:start|rolldown-runtime)\.cjs")(.+)"\);$/gm,
    (_line, name, file) => {
      names.push(name);
      return `const ${name} = () => require("${file}");`;
    },
  );
  if (names.length === 0) {
    throw new Error(`${fileName} imports nothing in the way that is expected: every command would load all`);
  }
  // In parentheses, because behind `new` the call would be taken for the constructor's.
  return late.replace(new RegExp(`\\b(?:${names.join('|')})\\b(?! = \\(\\) =>)`, 'g'), '($&())');
}
