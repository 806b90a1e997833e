import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licences under which others may use this program without further ado. */
const allowed =
  /^\(?(MIT|ISC|0BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|Unlicense|CC0-1\.0|BlueOak-1\.0\.0|Python-2\.0|LGPL-3\.0-or-later|EPL-2\.0|Zlib|WTFPL)( |\)|$)/;

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

export interface PackageLicence {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly allowed: boolean;
  /** The texts that lie in the package. */
  readonly texts: readonly string[];
}

/** The licence of every package that the program is made of (by package-lock.json, without what only builds it). */
export function gatherLicences(root: string): PackageLicence[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  return Object.entries(lock.packages).flatMap(([path, { dev, version = '', license }]) => {
    const folder = join(root, path);
    if (path === '' || dev || !existsSync(folder)) return [];
    const licence = license ?? licenceOf(folder);
    const files = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
    const texts = files.sort().map((name) => readFileSync(join(folder, name), 'utf8').trim());
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return [{ name, version, licence, allowed: allowed.test(licence), texts }];
  });
}

/** Older packages state their licence in other ways than by an SPDX expression. */
function licenceOf(folder: string): string {
  const { license, licenses } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    license?: string | { type?: string };
    licenses?: readonly { type?: string }[];
  };
  if (typeof license === 'string') return license;
  return license?.type ?? licenses?.[0]?.type ?? 'unknown';
}

/** One text for people: this program, the models and the vocabulary that come with it, and every package. */
export function licenceText(root: string): string {
  const models = join(root, 'nodes', 'model', 'builtin');
  const own = `Noiseloom\n\n${readFileSync(join(root, 'LICENSE'), 'utf8').trim()}`;
  const weights = `Built-in models (${readdirSync(models).sort().join(', ')})\n\nMade with this program and published under the same licence; see the README.md beside each.`;
  const merges = `CLIP's byte-pair merges (nodes/ml/text/clipMerges.json)\n\n${readFileSync(join(root, 'nodes', 'ml', 'text', 'clipMerges.LICENSE'), 'utf8').trim()}`;
  const packages = gatherLicences(root).map(({ name, version, licence, texts }) =>
    `${name} ${version} (${licence})\n\n${texts.join('\n\n')}`.trim(),
  );
  return `${[own, weights, merges, ...packages].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
