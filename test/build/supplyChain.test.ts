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
  readonly optional?: boolean;
  readonly engines?: { readonly node?: string };
}

const read = (...path: string[]) => readFileSync(join(packageFolder, ...path), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;

describe('what the program is made of', () => {
  it.each([
    ['.', 200],
    ['build/desktop', 200],
  ] as const)('is locked in %s: every package by its hash, from a registry alone', (folder, least) => {
    const { dependencies, devDependencies } = JSON.parse(read(folder, 'package.json')) as Manifest;
    const lock = JSON.parse(read(folder, 'package-lock.json')) as { packages: Record<string, Locked> };
    const { '': own, ...packages } = lock.packages;
    expect(own).toMatchObject({ ...(dependencies && { dependencies }), devDependencies });
    expect(Object.keys(packages).length).toBeGreaterThan(least);
    for (const [path, { resolved, integrity, link }] of Object.entries(packages)) {
      expect(link, path).toBeUndefined();
      expect(integrity, path).toMatch(/^sha512-/);
      expect(resolved ?? '', path).toMatch(/^(https:\/\/registry\.npmjs\.org\/[^?#]+\.tgz)?$/);
    }
  });

  it('installs on the Node that is promised', () => {
    const [major, minor] = [20, 19];
    expect(read('package.json')).toContain(`"node": ">=${major}.${minor}"`);
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
    const newer = Object.entries(packages).filter(([path, { engines, optional }]) => {
      const ranges = engines?.node?.split('||').map((range) => /(\d+)(?:\.(\d+))?/.exec(range)) ?? [];
      const fits = ([, least = '0', minorOfLeast = '0']: RegExpExecArray) =>
        Number(least) < major || (Number(least) === major && Number(minorOfLeast) <= minor);
      return path !== '' && !optional && ranges.length > 0 && !ranges.some((range) => !range || fits(range));
    });
    expect(newer.map(([path]) => path)).toEqual([]);
  });

  it('runs no scripts when it is installed, and is installed as it is locked', () => {
    for (const folder of ['.', 'build/desktop']) expect(read(folder, '.npmrc')).toMatch(/^ignore-scripts=true$/m);
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
