import { getRepo, listRepos } from '@mesadev/rest';

import { isPrintableName } from '../core/printable-name.ts';
import { strangeAnswer } from './failures.ts';
import { fieldsOf } from './fields.ts';
import { clientOptions } from './official-client.ts';
import { allPages, PAGE_SIZE } from './pages.ts';
import type { ApiAccess } from './request.ts';

interface Repository {
  readonly id: string;
  /** Of foreign origin. */
  readonly name: string;
}

/** The id of a repository that is known by its name. @throws as requestJson */
export async function repositoryId(access: ApiAccess, org: string, name: string): Promise<string> {
  const repository = parseRepository(await getRepo({ ...clientOptions(access), path: { org, repo: name } }));
  if (repository?.name !== name) {
    throw strangeAnswer(access.apiUrl, `GET /v1/${org}/${name}`);
  }
  return repository.id;
}

/** All repositories that the key may use: their names by their ids. @throws as requestJson */
export async function repositoryNames(access: ApiAccess, org: string): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const pages = allPages(
    access.apiUrl,
    'the list of repositories',
    (cursor) =>
      listRepos({
        ...clientOptions(access),
        path: { org },
        query: { limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) },
      }),
    ({ repos }) => {
      const parsed = Array.isArray(repos) ? repos.map(parseRepository) : [undefined];
      return parsed.every((repository) => repository !== undefined) ? parsed : undefined;
    },
  );
  for await (const page of pages) {
    for (const { id, name } of page) {
      names.set(id, name);
    }
  }
  return names;
}

function parseRepository(value: unknown): Repository | undefined {
  const { id, name } = fieldsOf(value);
  return isPrintableName(id) && typeof name === 'string' ? { id, name } : undefined;
}
