import { secretForms } from './secret-forms.ts';

// Not a path with such a name in it. Whatever else may stand before it: `%3A`, `\n`, a word.
const API_KEY = /(?:^|[^/.])mesa_[A-Za-z0-9_-]{12}/;
// `mesa_` with zero, one or two bytes before it in a group of three, and twelve more characters: RFC 4648, both alphabets.
const API_KEY_IN_BASE64 = /(?:bWVzYV|1lc2Ff|tZXNhX)[A-Za-z0-9+/_-]{15}/;

/**
 * Whether a text has an API key of Mesa in it: a given one, however short, or what looks like any; as it is,
 * percent-encoded or in base64, as in `Basic base64(user:key)`, also in lines.
 * @param apiKey printable ASCII, at least one character
 */
export function holdsApiKey(text: string, apiKey: string): boolean {
  const forms = secretForms(apiKey, '');
  return [text, withoutPercents(text)].some((plain) => {
    const joined = plain.replace(/\s+/g, '');
    return (
      API_KEY.test(plain) ||
      API_KEY_IN_BASE64.test(joined) ||
      forms.some((form) => (form.wraps ? joined : plain).includes(form.text))
    );
  });
}

/** RFC 3986, section 2.1; what is no such code stays. */
function withoutPercents(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}
