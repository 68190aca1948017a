// Rules of oxlint that hold the sources to plan.mjs. They go by where an import leads, not by how it is spelled, and so
// see `import type`, `import()`, `require`, `process.getBuiltinModule` and files directly below the root, too.
import { readdirSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';

import { findCircle } from './circles.mjs';
import { judgeImport } from './judge-import.mjs';
import { isBelow, list, placeOf, PROJECT } from './places.mjs';
import { GLOBALS, MOST_FILES } from './plan.mjs';

/** In place of names, where nobody can tell which ones are used. */
const EVERYTHING = '*';
const ALL_GLOBALS = Object.values(GLOBALS).flat();
const OPENING = /^open(?:Sync)?$/;
/** What stands in a call of open(2) that only reads. */
const READING_FLAGS = /^(?:'r'|(?:constants|O_RDONLY|O_NONBLOCK|O_NOFOLLOW|O_DIRECTORY|[ .|])+)$/;

const imports = rule((place, context) => {
  const check = (node, source, names, isType = false) => {
    const text = typeof source?.value === 'string' ? source.value : undefined;
    const message = judgeImport(place, text, names, isType);
    if (message !== undefined) {
      context.report({ node, message });
    }
  };
  const checkDeclaration = (node) => {
    if (node.source !== null) {
      const taken = (node.specifiers ?? []).filter((one) => (one.importKind ?? one.exportKind) !== 'type');
      const isType = (node.importKind ?? node.exportKind) === 'type';
      check(node, node.source, node.specifiers === undefined ? [EVERYTHING] : taken.map(nameTaken), isType);
    }
  };
  return {
    ImportDeclaration: checkDeclaration,
    ExportNamedDeclaration: checkDeclaration,
    ExportAllDeclaration: checkDeclaration,
    ImportExpression: (node) => check(node, node.source, namesUsed(node)),
    TSImportType: (node) => check(node, node.source, [], true),
    TSImportEqualsDeclaration: ({ moduleReference: node }) => check(node, node.expression, [EVERYTHING]),
    CallExpression(node) {
      const { callee, arguments: given } = node;
      const name = callee.name ?? callee.property?.name;
      if (
        name === 'getBuiltinModule' ||
        (name === 'require' && String(given[0]?.value).startsWith('node:'))
      ) {
        check(node, given[0], namesUsed(node));
      }
      const { writers } = place.house;
      if (OPENING.test(callee.name) && given.length > 1 && !isBelow(place.path, writers)) {
        const flags = context.sourceCode.getText(given[1]);
        if (!READING_FLAGS.test(flags)) {
          context.report({
            node,
            message: `opened with ${flags} a file can change: that is for ${list(writers)}`,
          });
        }
      }
    },
  };
});

const globals = rule(({ house, path }, context) => {
  const refused = Object.keys(house.globals).filter((group) => !isBelow(path, house.globals[group]));
  const check = (node, used) => {
    for (const group of refused) {
      const name = used.find((one) => GLOBALS[group].includes(one));
      if (name !== undefined) {
        context.report({ node, message: `${name} is for ${list(house.globals[group])}` });
        return;
      }
    }
  };
  return {
    'Program:exit'() {
      const { globalScope } = context.sourceCode.scopeManager;
      const known = globalScope.set;
      const undeclared = [...known.values()].filter(({ defs }) => defs.length === 0);
      const references = [...globalScope.through, ...undeclared.flatMap((one) => one.references)];
      for (const { identifier } of new Set(references)) {
        for (const [node, name] of throughGlobalObject(identifier)) {
          check(node, usesOf(node, name));
        }
      }
    },
  };
});

const spellings = rule(({ house, path }, context) => {
  const check = (node, text) => {
    const one = house.spellings.find(({ start, may }) => text.startsWith(start) && !isBelow(path, may));
    if (one !== undefined) {
      context.report({ node, message: `${one.start}... is spelled by ${list(one.may)} alone` });
    }
  };
  return {
    Literal(node) {
      check(node, String(node.value));
      const { operator, type } = node.parent;
      const compared = house.comparisons.find(
        ({ texts, may }) => texts.includes(node.value) && !isBelow(path, may),
      );
      if (compared !== undefined && (/^[!=]==?$/.test(operator) || type === 'SwitchCase')) {
        context.report({ node, message: `${node.value} is told apart by ${list(compared.may)} alone` });
      }
    },
    TemplateElement: (node) => check(node, node.value.raw),
    MemberExpression(node) {
      const one = house.members.find(
        ({ names, may }) => names.includes(node.property.name) && !isBelow(path, may),
      );
      if (one !== undefined) {
        context.report({ node, message: `${node.property.name} is for ${list(one.may)}` });
      }
    },
  };
});

const circles = rule((place, context) => ({
  Program(node) {
    const circle = findCircle(context.filename);
    if (circle !== undefined) {
      const shown = circle.map((file) => relative(PROJECT, file)).join(' -> ');
      context.report({ node, message: `a circle of imports: ${shown}` });
    }
  },
}));

const folders = rule(({ house, path }, context) => ({
  Program(node) {
    if (!Object.keys(house.rooms).some((room) => isBelow(path, [room]))) {
      context.report({ node, message: `${path} has no place in scripts/house/plan.mjs` });
    }
    const folder = dirname(context.filename);
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    const [first] = files.map(({ name }) => name).toSorted();
    if (files.length > MOST_FILES && basename(context.filename) === first) {
      const shown = relative(PROJECT, folder);
      context.report({ node, message: `${shown} has ${files.length} files, more than ${MOST_FILES}` });
    }
  },
}));

export default {
  meta: { name: 'house' },
  rules: { imports, globals, spellings, circles, folders },
};

/** A rule for the files that have a place in a house. */
function rule(visitors) {
  return {
    create(context) {
      const place = placeOf(context.filename);
      return place === undefined ? {} : visitors(place, context);
    },
  };
}

/** @returns the name in the module, and the one here where calls could not be told by it any more */
function nameTaken({ type, imported, local, exported }) {
  switch (type) {
    case 'ImportSpecifier':
      return nameOf(imported, local);
    case 'ExportSpecifier':
      return nameOf(local, exported);
    default:
      return EVERYTHING;
  }
}

function nameOf({ name, value = name }, here) {
  return OPENING.test(value) && here?.name !== value ? `${value} as ${here?.name}` : value;
}

/** What is taken of the value of an expression: a property, or the names that it is taken apart into. */
function namesUsed(node) {
  const { parent } = node;
  switch (parent.type) {
    case 'AwaitExpression':
    case 'TSAsExpression':
      return namesUsed(parent);
    case 'MemberExpression':
      return [parent.object === node ? keyOf(parent.property, parent) : EVERYTHING];
    case 'VariableDeclarator':
      return parent.id.type === 'ObjectPattern'
        ? parent.id.properties.map((one) =>
            one.type === 'Property' ? keyOf(one.key, one, one.value) : EVERYTHING,
          )
        : [EVERYTHING];
    case 'BinaryExpression': // instanceof
    case 'UnaryExpression': // typeof
    case 'TSTypeQuery':
      return [];
    default:
      return [EVERYTHING];
  }
}

function keyOf(key, { computed }, here = key) {
  return key.type === 'Literal' ? String(key.value) : computed ? EVERYTHING : nameOf(key, here);
}

/** A global as itself, or as a property of the global object. */
function throughGlobalObject(node) {
  return node.name !== 'globalThis' && node.name !== 'global'
    ? [[node, node.name]]
    : namesUsed(node).map((name) => [node.parent, name]);
}

/** The names under which plan.mjs may speak of a use of a global. */
function usesOf(node, name) {
  switch (name) {
    case EVERYTHING:
      return ALL_GLOBALS;
    case 'Date':
      return isNow(node) ? ['Date()'] : isMade(node) ? [] : propertiesOf(node, name);
    case 'Math':
    case 'process':
      return node.parent.type === 'TSTypeQuery' ? [] : [name, ...propertiesOf(node, name)];
    default:
      return [name];
  }
}

function propertiesOf(node, name) {
  return namesUsed(node).flatMap((one) =>
    one === EVERYTHING ? ALL_GLOBALS.filter((known) => known.startsWith(`${name}.`)) : `${name}.${one}`,
  );
}

/** `new Date()`, or `Date()`, whatever that is given. */
function isNow(node) {
  const { parent } = node;
  return (
    parent.callee === node &&
    (parent.type === 'CallExpression' || (parent.type === 'NewExpression' && parent.arguments.length === 0))
  );
}

/** `new Date(milliseconds)`, or a type. */
function isMade(node) {
  const { type, callee } = node.parent;
  return (type === 'NewExpression' && callee === node) || /^TS(?:Type|Qualified|Class|Interface)/.test(type);
}
