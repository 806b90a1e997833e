import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

describe.each(['CONTRIBUTING.md', 'README.md'])('%s', (name) => {
  const text = readFileSync(join(root, name), 'utf8');

  it('names files and folders that are there', () => {
    const named = [...text.matchAll(/(?<![\w/.-])((?:electron|renderer|nodes|graphs|test|build)\/[\w./-]*[\w/])/g)];
    const paths = named.map(([, path]) => path!.replace(/[./]+$/, ''));
    expect(paths.length).toBeGreaterThan(5);
    const examples =
      /^(graphs\/templates|test\/golden|nodes\/ml\/(diffusion|models|verify))\/name|^nodes\/consistency$/;
    expect(paths.filter((path) => !examples.test(path) && !existsSync(join(root, path)))).toEqual([]);
  });

  it('names scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...text.matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, script]) => script!);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});
