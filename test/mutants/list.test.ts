import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutants } from './list.ts';

it.each(mutants)('the line "$line" stands once in $file, and its tests are there', ({ file, line, broken, tests }) => {
  expect(readFileSync(file, 'utf8').split(line)).toHaveLength(2);
  expect(broken).not.toBe(line);
  for (const path of tests) expect(existsSync(path), path).toBe(true);
});
