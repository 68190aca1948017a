import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, normalize, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

const FENCED_CODE = /^ {0,3}(`{3,}|~{3,})[^]*?(?:^ {0,3}\1.*$|(?![^]))/gm;
// Within a paragraph: a backtick that stands alone must not hide what follows.
const CODE_SPAN = /(`+)(?!`)(?:(?!\n\s*\n)[^])*?[^`]\1(?!`)/g;
// Of `[text](target "title")`, `[name]: target`, and `<a href="target">` or `<img src="target">`.
const TARGETS = [
  /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g,
  /^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)>?/gm,
  /<(?:a|img|source)\s[^>]*?(?:href|src|srcset)="([^"]+)"/g,
];

/** The markdown files of the repository, new ones that git does not ignore included: relative to its root. */
export function markdownFiles(): readonly string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '*.md'];
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)));
}

/** @param path relative to the repository's root */
export function readRepositoryFile(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Where the links of a text lead that stay in the repository: with the `#anchor`, as they are written. */
export function relativeLinks(text: string): readonly string[] {
  const prose = text.replace(FENCED_CODE, '').replace(CODE_SPAN, '');
  return TARGETS.flatMap((pattern) =>
    Array.from(prose.matchAll(pattern), ([, target = '']) => target),
  ).filter((target) => !/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(target));
}

/** The anchors of a text's headings, as GitHub makes them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const taken = new Set<string>();
  for (const [, heading = ''] of text.replace(FENCED_CODE, '').matchAll(/^ {0,3}#{1,6} +(.+?)(?: +#+)?$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; taken.has(anchor); count += 1) {
      anchor = `${slug}-${count}`;
    }
    taken.add(anchor);
  }
  return taken;
}

/**
 * The links of a file that lead nowhere.
 * @param path of the file, relative to the repository's root
 * @param text what is in it
 */
export function brokenLinks(path: string, text: string): readonly string[] {
  return relativeLinks(text).filter((link) => {
    const [file = '', anchor] = decodeURI(link).split('#');
    if (file === '') {
      return anchor === undefined || !anchorsOf(text).has(anchor);
    }
    const target = normalize(join(path, '..', file));
    if (target.startsWith('..') || !existsSync(join(root, target))) {
      return true;
    }
    // Other files have no headings: an anchor there is a line of a source.
    const isHeading = anchor !== undefined && target.endsWith('.md');
    return isHeading && !anchorsOf(readRepositoryFile(target)).has(anchor);
  });
}
