import { findOrganization } from '../../database/organizations.ts';
import { countRepositories } from '../../database/repositories.ts';
import { ApiError } from '../../errors.ts';
import { requirePermission } from '../../rules/caller.ts';
import { visibleRepositories } from '../../rules/visible-repositories.ts';
import { errors } from '../error-replies.ts';
import { callerOf } from '../rest-authentication.ts';
import { OrganizationSummary, OrgParams } from '../schemas.ts';
import type { RestApp, Services } from '../services.ts';

export function organizationRoutes(app: RestApp, { db }: Services): void {
  app.get(
    '/:org',
    {
      schema: {
        tags: ['Organization'],
        operationId: 'getOrg',
        summary: 'Sum up an organization; counts the repositories that the credential may use',
        params: OrgParams,
        response: { 200: OrganizationSummary, ...errors('FORBIDDEN') },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      requirePermission(caller, 'read');
      const organization = await findOrganization(db, request.params.org);
      if (organization === undefined) {
        throw new ApiError('NOT_FOUND', 'There is no such organization');
      }
      return {
        created_at: organization.createdAt.toISOString(),
        num_repos: await countRepositories(db, organization.id, visibleRepositories(caller)),
      };
    },
  );
}
