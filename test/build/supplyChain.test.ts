import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { licenceText } from '../../build/gatherLicences.ts';
import { packageFolder } from '../../electron/files/folders.ts';
import { inWords } from '../support/auditLine.ts';

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
interface Locked extends Manifest {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
}

const read = (...path: string[]) => readFileSync(join(packageFolder, ...path), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;
const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };

describe('what the program is made of', () => {
  it('is locked: every package by its hash, from a registry alone', () => {
    const { '': own, ...packages } = lock.packages;
    expect(own).toMatchObject({ dependencies: manifest.dependencies, devDependencies: manifest.devDependencies });
    expect(Object.keys(packages).length).toBeGreaterThan(300);
    for (const [path, { resolved, integrity, link }] of Object.entries(packages)) {
      expect(link, path).toBeUndefined();
      expect(integrity, path).toMatch(/^sha512-/);
      expect(resolved ?? '', path).toMatch(/^(https:\/\/registry\.npmjs\.org\/[^?#]+\.tgz)?$/);
    }
  });

  it('runs no scripts when it is installed, and is installed as it is locked', () => {
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
    const atInstall = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare', 'prepublish'];
    expect(Object.keys(manifest.scripts ?? {}).filter((name) => atInstall.includes(name))).toEqual([]);
    for (const name of readdirSync(join(packageFolder, '.ci'))) {
      const text = read('.ci', name);
      expect(text, name).not.toMatch(/\bnpm (i|install|add|update)\b/);
      if (/\bnpm\b/.test(text)) expect(text, name).toMatch(/\bnpm ci\b/);
    }
  });

  it('names the licence of every model that comes along, in the application too', () => {
    const text = licenceText(packageFolder);
    const models = readdirSync(join(packageFolder, 'nodes', 'model', 'builtin'));
    expect(models.length).toBeGreaterThan(5);
    for (const model of models) {
      expect(read('nodes', 'model', 'builtin', model, 'README.md'), model).toMatch(/Licence:\s+Apache-2\.0/);
      expect(text).toMatch(new RegExp(`^Built-in models \\(.*\\b${model}\\b`, 'm'));
    }
  });
});

describe('the line on npm audit', () => {
  it.each([
    ['', 'the registry did not answer.'],
    [
      '{"message": "405 Method Not Allowed - POST https://host/a"}',
      'the registry does not answer audits (405 Method Not Allowed).',
    ],
    ['{"metadata": {"vulnerabilities": {"low": 0, "high": 0, "total": 0}}}', 'no known holes.'],
    ['{"metadata": {"vulnerabilities": {"low": 2, "high": 1, "total": 3}}}', '3 known holes: 2 low, 1 high.'],
  ])('%s', (json, line) => expect(inWords(json)).toBe(line));
});
