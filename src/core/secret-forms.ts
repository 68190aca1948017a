/** One way in which a secret may show up in output. */
export interface SecretForm {
  /** What to look for: ASCII. */
  readonly text: string;
  /** Whether a line break may stand between any two of its characters, as in wrapped base64. */
  readonly wraps: boolean;
  /** What stands in its place. */
  readonly mask: string;
}

const MASK = '****';
// Shorter pieces of base64 turn up in other texts by chance.
const SHORTEST_BASE64 = 8;

/**
 * Every form in which a secret is looked for: as it is, escaped as in JSON, percent-encoded (RFC 3986, section 2.1, in both
 * cases of its digits), and in base64 (RFC 4648, both alphabets) with zero, one or two bytes before it in a group of
 * three, as in `base64(user:secret)`. Of base64 only the characters that the secret alone decides.
 * @param secret printable ASCII, at least one character
 * @param mask stands for the secret as it is
 */
export function secretForms(secret: string, mask: string): readonly SecretForm[] {
  const forms = new Map<string, SecretForm>([[secret, { text: secret, wraps: false, mask }]]);
  const add = (text: string, wraps: boolean): void => {
    if (!forms.has(text)) {
      forms.set(text, { text, wraps, mask: MASK });
    }
  };
  add(JSON.stringify(secret).slice(1, -1), false);
  const lenient = encodeURIComponent(secret);
  const strict = lenient.replace(/[!'()*]/g, percentEncode);
  for (const encoded of [lenient, strict]) {
    add(encoded, false);
    add(
      encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
      false,
    );
  }
  for (const before of [0, 1, 2]) {
    const piece = base64Of(secret, before);
    if (piece.length >= SHORTEST_BASE64) {
      add(piece, true);
      add(piece.replaceAll('+', '-').replaceAll('/', '_'), true);
    }
  }
  return [...forms.values()];
}

function percentEncode(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** The characters of the base64 of anything with `before` bytes (modulo three) in front of the secret. */
function base64Of(secret: string, before: number): string {
  const bits = 8 * (before + secret.length);
  return Buffer.from(`${'\0'.repeat(before)}${secret}`, 'latin1')
    .toString('base64')
    .slice(Math.ceil((8 * before) / 6), Math.floor(bits / 6));
}
