import { dirname, normalize } from 'node:path';

import { isBelow, list } from './places.mjs';
import { OPEN_MODULES, READING } from './plan.mjs';

/**
 * What is wrong with an import.
 * @param {import('./places.mjs').Place} place where it stands
 * @param {string | undefined} source what it names; undefined where that is known only at run time
 * @param {readonly string[]} names what it takes, types left out; `*` for everything
 * @param {boolean} isType whether nothing of it is there at run time
 * @returns {string | undefined} a sentence
 */
export function judgeImport({ house, path }, source, names, isType) {
  const room = Object.keys(house.rooms).find((one) => isBelow(path, [one]));
  if (room === undefined) {
    // Another rule says so.
    return undefined;
  }
  if (source === undefined) {
    return 'an import names a file or a module by a plain text';
  }
  if (source.startsWith('.')) {
    return judgeArrow(house, path, room, normalize(`${dirname(path)}/${source}`));
  }
  if (!source.startsWith('node:')) {
    const name = Object.keys(house.packages).find((one) => isBelow(source, [one]));
    const users = name === undefined ? [] : house.packages[name];
    return isBelow(path, users) ? undefined : `${source} is for ${list(users)}`;
  }
  const pure = Object.keys(house.pure).find((one) => isBelow(path, [one]));
  if (pure !== undefined) {
    return house.pure[pure].includes(source)
      ? undefined
      : `${pure} computes: it may use ${house.pure[pure].join(', ') || 'none'} of the modules of node:`;
  }
  return isType ? undefined : judgeModule(house, path, source, names);
}

function judgeArrow(house, path, room, target) {
  if (target.startsWith('..')) {
    return `${house.root} imports nothing from outside of it`;
  }
  if (isBelow(target, [room])) {
    return house.unrelated.includes(room) ? `files of ${room} do not import each other` : undefined;
  }
  return isBelow(target, house.rooms[room])
    ? undefined
    : `${room} may import ${list(house.rooms[room])}: not ${target}`;
}

function judgeModule(house, path, source, names) {
  if (!OPEN_MODULES.includes(source)) {
    const users = house.modules[source] ?? [];
    return isBelow(path, users) ? undefined : `${source} is for ${list(users)}`;
  }
  const writing = names.find((name) => !READING.includes(name));
  return writing === undefined || !source.startsWith('node:fs') || isBelow(path, house.writers)
    ? undefined
    : `${writing} of ${source} can change files: that is for ${list(house.writers)}`;
}
