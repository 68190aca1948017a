import { inflateSync } from 'node:zlib';

import * as files from 'cctv-age';

/** A test vector of C2SP/CCTV: https://github.com/C2SP/CCTV/tree/main/age */
export interface Vector {
  readonly name: string;
  readonly expect:
    | 'success'
    | 'no match'
    | 'HMAC failure'
    | 'header failure'
    | 'payload failure'
    | 'armor failure';
  /** Hexadecimal SHA-256 of the plain text. */
  readonly payload: string | undefined;
  readonly identities: readonly string[];
  readonly passphrases: readonly string[];
  readonly isArmored: boolean;
  readonly file: Uint8Array;
}

export const VECTORS: readonly Vector[] = Object.entries(files).map(([name, bytes]) =>
  parseVector(name, Buffer.from(bytes)),
);

function parseVector(name: string, bytes: Buffer): Vector {
  const end = bytes.indexOf('\n\n');
  const fields = new Map<string, string[]>();
  for (const line of bytes.subarray(0, end).toString('latin1').split('\n')) {
    const [field = '', ...value] = line.split(': ');
    fields.set(field, [...(fields.get(field) ?? []), value.join(': ')]);
  }
  const body = bytes.subarray(end + 2);
  return {
    name,
    expect: fields.get('expect')?.[0] as Vector['expect'],
    payload: fields.get('payload')?.[0],
    identities: fields.get('identity') ?? [],
    passphrases: fields.get('passphrase') ?? [],
    isArmored: fields.get('armored')?.[0] === 'yes',
    file: fields.get('compressed')?.[0] === 'zlib' ? inflateSync(body) : body,
  };
}
