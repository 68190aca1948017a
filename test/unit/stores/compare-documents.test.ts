import { describe, expect, it } from 'vitest';

import { compareDocuments, mergeDocuments } from '../../../src/stores/compare-documents.ts';
import { sameDocument, type StoreDocument } from '../../../src/stores/document.ts';
import { parseDocument } from '../../../src/stores/read-document.ts';

const BASE = `version = 1
origin = "here"
[keys.global]
key = "mesa_one"
added = 2025-01-01T00:00:00.000Z
[keys."orgs/acme"]
key = "mesa_two"
expires = 2027-01-01
note = [1, { a = true }]
[keys."teams/blue"]
key = "unknown"
`;

function parse(text: string): Promise<StoreDocument> {
  return parseDocument(text, '/store');
}

describe('two documents are the same', () => {
  it('when only their layout differs', async () => {
    const other = BASE.replace(
      'expires = 2027-01-01\nnote = [1, { a = true }]',
      'note = [ 1, {a=true} ]\nexpires = 2027-01-01',
    );
    expect(sameDocument(await parse(BASE), await parse(other))).toBe(true);
  });

  it.each([
    ['a key', 'mesa_two', 'mesa_too'],
    ['when a key was added', '2025-01-01T00:00:00.000Z', '2025-01-01T00:00:00.001Z'],
    ['whether that is known', 'added = 2025-01-01T00:00:00.000Z\n', ''],
    ['a local date', '2027-01-01', '2027-01-02'],
    ['a date and the same text', 'expires = 2027-01-01', 'expires = "2027-01-01"'],
    ['a nested value', 'a = true', 'a = false'],
    ['the length of an array', '[1, {', '[1, 2, {'],
    ['a field of the document', '"here"', '"there"'],
    ['an entry that is no scope', 'teams/blue', 'teams/red'],
    ['a scope', '"orgs/acme"', '"orgs/beta"'],
  ])('but not when %s differs', async (_, from, to) => {
    const [a, b] = [await parse(BASE), await parse(BASE.replace(from, to))];
    expect(sameDocument(a, b)).toBe(false);
    expect(sameDocument(b, a)).toBe(false);
  });
});

const NOW = new Date('2026-11-21T10:00:00.000Z');
const PRESENT = `version = 1
here = 1
[keys."orgs/conflict"]
key = "mesa_present"
[keys."orgs/details"]
key = "mesa_same"
[keys."orgs/mine"]
key = "mesa_mine"
[keys."orgs/same"]
key = "mesa_same"
`;
const INCOMING = `version = 1
there = 2
[keys."orgs/added"]
key = "mesa_added"
[keys."orgs/conflict"]
key = "mesa_incoming"
[keys."orgs/details"]
key = "mesa_same"
key-id = "k1"
[keys."orgs/same"]
key = "mesa_same"
`;

it('a comparison names every scope of either, in order, and how the two differ there', async () => {
  const differences = compareDocuments(await parse(PRESENT), await parse(INCOMING));
  expect(differences.map(({ name, kind }) => [name, kind])).toEqual([
    ['orgs/added', 'added'],
    ['orgs/conflict', 'conflict'],
    ['orgs/details', 'details'],
    ['orgs/mine', 'missing'],
    ['orgs/same', 'same'],
  ]);
});

it.each([
  ['present', 'mesa_present', 0],
  ['incoming', 'mesa_incoming', 1],
] as const)('a merge loses nothing; where both differ, %s wins', async (winner, key, fields) => {
  const merged = mergeDocuments(await parse(PRESENT), await parse(INCOMING), winner, { now: NOW });
  expect([...merged.entries.keys()].toSorted()).toEqual([
    'orgs/added',
    'orgs/conflict',
    'orgs/details',
    'orgs/mine',
    'orgs/same',
  ]);
  expect(merged.entries.get('orgs/conflict')?.token.reveal()).toBe(key);
  expect(merged.entries.get('orgs/details')?.fields.size).toBe(fields);
  expect([...merged.unknownFields.keys()].toSorted()).toEqual(['here', 'there']);
});

/** Scope to key, of previous ones. */
function previousOf({ previous }: StoreDocument): Record<string, string> {
  return Object.fromEntries(Array.from(previous, ([name, { token }]) => [name, token.reveal()]));
}

function withPreviousKey(text: string, name: string, key: string, until: string): string {
  return `${text}[previous."${name}"]\nkey = "${key}"\nuntil = ${until}\n`;
}

const LATER = '2026-11-25T00:00:00.000Z';

it.each([
  ['present', 'mesa_incoming'],
  ['incoming', 'mesa_present'],
] as const)('where both differ and %s wins, the other key can be brought back', async (winner, other) => {
  const merged = mergeDocuments(await parse(PRESENT), await parse(INCOMING), winner, { now: NOW });
  expect(previousOf(merged)).toEqual({ 'orgs/conflict': other });
  expect(merged.previous.get('orgs/conflict')?.until).toEqual(new Date('2026-11-28T10:00:00.000Z'));
  const again = mergeDocuments(merged, await parse(INCOMING), winner, { now: NOW });
  expect(sameDocument(again, merged)).toBe(true);
  const none = mergeDocuments(await parse(PRESENT), await parse(INCOMING), winner, { now: NOW, keep: 0 });
  expect(previousOf(none)).toEqual({});
});

it('a merge keeps what can be brought back on either side, but nothing that is over, in use, or of no key', async () => {
  const present = withPreviousKey(
    withPreviousKey(PRESENT, 'orgs/mine', 'mesa_before', LATER),
    'orgs/same',
    'mesa_over',
    '2026-11-20T00:00:00.000Z',
  );
  const incoming = withPreviousKey(
    withPreviousKey(
      withPreviousKey(INCOMING, 'orgs/added', 'mesa_theirs', LATER),
      'orgs/details',
      'mesa_same',
      LATER,
    ),
    'orgs/gone',
    'mesa_gone',
    LATER,
  );
  const merged = mergeDocuments(await parse(present), await parse(incoming), 'present', { now: NOW });
  expect(previousOf(merged)).toEqual({
    'orgs/added': 'mesa_theirs',
    'orgs/conflict': 'mesa_incoming',
    'orgs/mine': 'mesa_before',
  });
});
