import { isPrintableName } from '../core/printable-name.ts';
import { strangeAnswer } from './failures.ts';
import { fieldsOf, isTexts } from './fields.ts';
import { requestJson, type ApiAccess } from './request.ts';

/** Who the server says that a key is. Its texts are of foreign origin: escape them before they are shown. */
export interface Identity {
  readonly org: { readonly id: string; readonly slug: string; readonly name: string };
  /** The id of the key, or of the one that signed the token; undefined when the server names none. */
  readonly keyId: string | undefined;
  readonly keyName: string | undefined;
  /** What it may do; the wire calls permissions scopes. */
  readonly permissions: readonly string[];
}

/** `GET /v1/whoami`. @throws as requestJson, SERVER_FAILED when the answer is something else */
export async function whoami(access: ApiAccess): Promise<Identity> {
  const answer = fieldsOf(await requestJson(access, { method: 'GET', path: '/whoami' }));
  const org = fieldsOf(answer['org']);
  const [id, slug, name] = [org['id'], org['slug'], org['name']];
  const { key_id: keyId, key_name: keyName, scopes } = answer;
  if (
    typeof id !== 'string' ||
    typeof slug !== 'string' ||
    typeof name !== 'string' ||
    !(keyId === null || keyId === undefined || isPrintableName(keyId)) ||
    !isTexts(scopes)
  ) {
    throw strangeAnswer(access.apiUrl, 'GET /v1/whoami');
  }
  return {
    org: { id, slug, name },
    keyId: keyId ?? undefined,
    keyName: typeof keyName === 'string' ? keyName : undefined,
    permissions: scopes,
  };
}
