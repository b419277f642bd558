/**
 * What the admin API can be asked. A new route is one entry: what it takes and answers is in it,
 * and the door, the checks, the document and their tests follow from that.
 */
import { programVersion } from '../core/version.ts';
import { backupRoutes } from './backup-routes.ts';
import { eventRoutes } from './event-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { documentOf } from './openapi.ts';
import { reloadRoutes } from './reload-routes.ts';
import { restoreRoutes } from './restore-routes.ts';
import { jsonAnswer, type Route, route } from './route.ts';
import { stateRoutes } from './state-routes.ts';

export const routes: readonly Route[] = [
  ...stateRoutes,
  route({
    method: 'GET',
    path: '/openapi.json',
    scope: 'open',
    summary: 'This document.',
    replies: { 200: { description: 'The document.', schema: { type: 'object' } } },
    answer: async () => jsonAnswer(200, apiDocument()),
  }),
  ...backupRoutes,
  ...jobRoutes,
  ...reloadRoutes,
  ...eventRoutes,
  ...restoreRoutes,
];

/** The OpenAPI document of all routes. */
export function apiDocument(): Readonly<Record<string, unknown>> {
  return documentOf(routes, programVersion);
}
