import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { buildAdmin } from '../../../src/http/admin-app.ts';
import { apiDocument, routes } from '../../../src/http/routes.ts';
import type { ApiDocument } from '../../support/api-answers.ts';
import { house, loopback } from './house.ts';

const document = apiDocument() as unknown as ApiDocument;

describe('the document', () => {
  test('is served as it is made, to everybody', async () => {
    const app = buildAdmin(house({ tokens: {} }).options);

    const answer = await app.inject({ url: '/openapi.json', headers: loopback });

    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual(JSON.parse(JSON.stringify(document)));
    expect(answer.json().openapi).toBe('3.1.0');
  });

  test('has every route, and no other', () => {
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );

    const served = routes.map(({ method, path }) => `${method} ${path.replace(':id', '{id}')}`);
    expect(described.toSorted()).toEqual(served.toSorted());
    expect(new Set(served).size).toBe(served.length);
  });

  test('has what the design promises', () => {
    const served = routes.map(({ method, path }) => `${method} ${path}`);

    expect(served).toEqual(
      expect.arrayContaining([
        'GET /v1/backups/:id',
        'POST /v1/backups/:id/verify',
        'PUT /v1/backups/:id/hold',
        'DELETE /v1/backups/:id/hold',
        'DELETE /v1/backups/:id',
        'GET /v1/retention/plan',
        'POST /v1/scrubs',
        'POST /v1/heals',
        'POST /v1/drills',
        'GET /v1/jobs',
        'GET /v1/jobs/:id',
      ]),
    );
  });

  test('tells the scope of each call, and what it answers without a token', () => {
    for (const { method, path, scope } of routes) {
      const operation = document.paths[path.replace(':id', '{id}')]?.[method.toLowerCase()];
      const [needed] = operation?.security ?? [];

      expect(needed?.bearer?.[0] ?? 'open', `${method} ${path}`).toBe(scope);
      const isBehindDoor = operation?.responses['401'] !== undefined;
      expect(isBehindDoor, `${method} ${path}`).toBe(scope !== 'open');
    }
  });

  test('describes every part of a path, and names each call once', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, operation })),
    );

    for (const { path, operation } of operations) {
      const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const inPath = (operation.parameters ?? []).filter((one) => one.in === 'path');
      expect(inPath.map(({ name }) => name)).toEqual(parts);
    }
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('has schemas that are schemas', () => {
    const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } });
    const refs = JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g);

    ajv.addSchema({ $id: 'api', components: document.components });
    for (const [, name = ''] of refs) {
      expect(() => ajv.compile({ $ref: `api#/components/schemas/${name}` })).not.toThrow();
    }
    for (const methods of Object.values(document.paths)) {
      for (const { parameters = [], requestBody } of Object.values(methods)) {
        const schemas = [
          ...parameters.map(({ schema }) => schema),
          ...Object.values(requestBody?.content ?? {}).map(({ schema }) => schema),
        ];
        for (const schema of schemas) expect(ajv.validateSchema(schema ?? {})).toBe(true);
      }
    }
  });
});
