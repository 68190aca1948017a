// V: the least that opening a vault can cost in Node. One native scrypt, and age's format with node:crypto alone.
const { createDecipheriv, createHash, hkdfSync, scryptSync } = require('node:crypto');
const { readFileSync } = require('node:fs');

createHash('sha256');
const file = readFileSync(process.argv[2]);
const headerEnd = file.indexOf('\n', file.indexOf('\n--- ') + 1) + 1;
const [, salt, factor, body] = /-> scrypt (\S+) (\d+)\n(\S+)\n/.exec(
  file.subarray(0, headerEnd).toString('latin1'),
);
const N = 2 ** Number(factor);
const labelled = Buffer.concat([Buffer.from('age-encryption.org/v1/scrypt'), Buffer.from(salt, 'base64')]);
const wrapKey = scryptSync(process.env.MESA_VAULT_PASSPHRASE, labelled, 32, {
  N,
  r: 8,
  p: 1,
  maxmem: 1024 * (N + 64),
});
const fileKey = open(wrapKey, Buffer.alloc(12), Buffer.from(body, 'base64'));
const nonce = file.subarray(headerEnd, headerEnd + 16);
const streamKey = Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
const lastChunk = Buffer.alloc(12);
lastChunk[11] = 1;
process.stdout.write(open(streamKey, lastChunk, file.subarray(headerEnd + 16)));

function open(key, iv, sealed) {
  const decipher = createDecipheriv('chacha20-poly1305', key, iv, { authTagLength: 16 });
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}
