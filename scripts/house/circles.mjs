import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const COMMENTS = /^\s*(?:\/\*[^]*?\*\/|\/\/.*$)/gm;
const IMPORTED = /\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g;

/** What each file imports, types and `import()` included. Read once: a run of the linter does not take long. */
const imported = new Map();

/**
 * The shortest way from a file back to itself over imports.
 * @param {string} file an absolute path
 * @returns {readonly string[] | undefined} the files on it, the first one at both ends; undefined when there is none
 */
export function findCircle(file) {
  const cameFrom = new Map();
  const ways = [file];
  // An array is visited to its end, what is added meanwhile included.
  for (const one of ways) {
    for (const target of importsOf(one)) {
      if (target === file) {
        return [...wayTo(one, cameFrom), file];
      }
      if (!cameFrom.has(target)) {
        cameFrom.set(target, one);
        ways.push(target);
      }
    }
  }
  return undefined;
}

function wayTo(file, cameFrom) {
  const before = cameFrom.get(file);
  return before === undefined ? [file] : [...wayTo(before, cameFrom), file];
}

function importsOf(file) {
  const known = imported.get(file);
  if (known !== undefined) {
    return known;
  }
  const found = Array.from(read(file).replaceAll(COMMENTS, '').matchAll(IMPORTED), ([, path]) =>
    join(dirname(file), path),
  );
  imported.set(file, found);
  return found;
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Not there: what checks the types says so.
    return '';
  }
}
