// Writes labextension/src/api/schema.ts from the OpenAPI document of the control plane; with --check only compares.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const target = new URL('../src/api/schema.ts', import.meta.url);
const document = execFileSync(
  process.env.PYTHON ?? 'python',
  ['-m', 'jupyter_slml.control.http.schema'],
  { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }
);
const head =
  '// Generated from the OpenAPI document by `npm run types`; do not edit.\n';
const types = head + astToString(await openapiTS(JSON.parse(document)));

if (!process.argv.includes('--check')) {
  writeFileSync(target, types);
} else if (readFileSync(target, 'utf8') !== types) {
  console.error(
    'labextension/src/api/schema.ts is not current: run `npm run types` and commit the result.'
  );
  process.exit(1);
}
