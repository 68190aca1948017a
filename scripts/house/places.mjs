import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { HOUSES } from './plan.mjs';

/** @typedef {{ house: (typeof HOUSES)[number], path: string }} Place a file's house, and its path below the root of that */

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * @param {string} filename
 * @returns {Place | undefined} undefined outside of src and authority/src
 */
export function placeOf(filename) {
  const path = relative(PROJECT, filename);
  const house = HOUSES.find(({ root }) => path.startsWith(`${root}/`));
  return house === undefined ? undefined : { house, path: path.slice(house.root.length + 1) };
}

/**
 * @param {string} path
 * @param {readonly string[]} places files, and folders with all that is in them
 */
export function isBelow(path, places) {
  return places.some((place) => path === place || path.startsWith(`${place}/`));
}

/** @param {readonly string[]} places */
export function list(places) {
  return places.length === 0 ? 'nobody' : places.join(', ');
}
