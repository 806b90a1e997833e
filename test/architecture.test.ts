import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { library } from '../nodes/index.ts';

/*
 * The shape of the repository: who may import whom, where TensorFlow.js and Node are, that every node is listed.
 */

const root = join(import.meta.dirname, '..');
const folders = ['electron', 'renderer', 'nodes', 'graphs', 'build', 'test'];

interface Import {
  /** A path from the root of the repository, or the name of a package. */
  readonly target: string;
  /** Gone when the program runs. */
  readonly typeOnly: boolean;
}

/** All source files, as paths from the root, without generated and recorded ones. */
function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return /^test\/(golden|tmp)$|node_modules$/.test(path) ? [] : sourcesIn(path);
    return /\.(ts|tsx|mts|mjs|js)$/.test(entry.name) ? [path] : [];
  });
}

const importPattern =
  /(?:^|[;\s])(?:import|export)\s+(type\s)?(?:[\w*\s{},$]+?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)(\.[A-Z]\w*)?/g;

function importsOf(path: string): Import[] {
  const text = readFileSync(join(root, path), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...text.matchAll(importPattern)].map(([, type, written, dynamic, member]) => {
    const specifier = (written ?? dynamic) as string;
    const target = specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier;
    return { target, typeOnly: type !== undefined || member !== undefined };
  });
}

const sources = folders.filter((folder) => readdirSync(root).includes(folder)).flatMap(sourcesIn);
const imports = new Map(sources.map((path) => [path, importsOf(path)]));
const isFile = (target: string) => folders.some((folder) => target.startsWith(`${folder}/`));

/** Every import of files in a place that is not allowed, written `file -> target`. */
function violations(inPlace: RegExp, allowed: (target: string, typeOnly: boolean, path: string) => boolean): string[] {
  return [...imports].flatMap(([path, found]) =>
    inPlace.test(path)
      ? found
          .filter(({ target, typeOnly }) => !allowed(target, typeOnly, path))
          .map(({ target }) => `${path} -> ${target}`)
      : [],
  );
}

/** The files that are in memory when one file is: what it imports, and so on. */
function closureOf(path: string): ReadonlySet<string> {
  const reached = new Set([path]);
  for (const file of reached) {
    for (const { target, typeOnly } of imports.get(file) ?? []) if (!typeOnly) reached.add(target);
  }
  return reached;
}

describe('this test', () => {
  it('sees imports of every kind', () => {
    expect(imports.get('graphs/run/run.ts')).toContainEqual({ target: 'graphs/run/runStep.ts', typeOnly: false });
    expect(imports.get('graphs/run/run.ts')).toContainEqual({ target: 'nodes/files.ts', typeOnly: true });
    expect(imports.get('nodes/ml/tf.ts')?.map(({ target }) => target)).toEqual([
      '@tensorflow/tfjs-core/dist/register_all_gradients',
      '@tensorflow/tfjs-core',
    ]);
    expect(imports.get('nodes/ports.ts')).toContainEqual({ target: 'nodes/ml/tf.ts', typeOnly: true });
    expect(imports.get('electron/devices/cpu.ts')).toContainEqual({
      target: '@tensorflow/tfjs-backend-cpu',
      typeOnly: false,
    });
    const missing = [...imports].flatMap(([path, found]) =>
      found
        .filter(
          ({ target }) =>
            isFile(target) &&
            !/^(test\/golden|test\/tmp)/.test(target) &&
            /\.tsx?$/.test(target) &&
            !imports.has(target),
        )
        .map(({ target }) => `${path} -> ${target}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('the import arrow', () => {
  const groupFile = /^nodes\/(?!ml\/)[a-z]+\//;
  const foundations = ['errors', 'files', 'parseJson', 'ports', 'quote', 'readWhole', 'repeatedNames'].map(
    (name) => `nodes/${name}.ts`,
  );
  const words = [...foundations, 'nodes/card.ts', 'nodes/defineNode.ts', 'nodes/params.ts'];

  it('nodes/ml stands on TensorFlow.js and the foundations of nodes/', () => {
    const allowed = (target: string) =>
      !isFile(target) || target.startsWith('nodes/ml/') || foundations.includes(target);
    expect(violations(/^nodes\/ml\//, allowed)).toEqual([]);
  });

  it('the nodes of a group stand on nodes/ml and the words of nodes/', () => {
    const allowed = (target: string) =>
      !isFile(target) || target.startsWith('nodes/ml/') || groupFile.test(target) || words.includes(target);
    expect(violations(groupFile, allowed)).toEqual([]);
  });

  it('the words of nodes/ import no particular node, and TensorFlow.js only as types', () => {
    const allowed = (target: string, typeOnly: boolean) =>
      words.includes(target) || target === 'nodes/values.ts' || (typeOnly && target.startsWith('nodes/ml/'));
    expect(violations(/^nodes\/(?!index)[A-Za-z.]+\.ts$/, allowed)).toEqual([]);
  });

  it('graphs/ imports the words of nodes/, and no particular node', () => {
    const allowed = (target: string) =>
      !isFile(target) || target.startsWith('graphs/') || words.includes(target) || target === 'nodes/values.ts';
    expect(violations(/^graphs\//, allowed)).toEqual([]);
  });

  it('renderer/ runs without TensorFlow.js, Node and Electron', () => {
    const heavy = (target: string) =>
      /^(@tensorflow|node:|electron$|electron\/|nodes\/ml\/)/.test(target) || builtinModules.includes(target);
    const loaded = sources
      .filter((path) => path.startsWith('renderer/'))
      .flatMap((path) => [...closureOf(path)].filter(heavy).map((target) => `${path} -> ${target}`));
    expect(loaded).toEqual([]);
  });

  it('renderer/ asks its shell only by the contract, and runs what is pure of graphs/ and nodes/', () => {
    const allowed = (target: string, typeOnly: boolean) =>
      !isFile(target) ||
      target.startsWith('renderer/') ||
      target.startsWith('graphs/') ||
      words.includes(target) ||
      (typeOnly && (target === 'electron/host/ipc.ts' || target.startsWith('nodes/')));
    expect(violations(/^renderer\//, allowed)).toEqual([]);
  });

  it('electron/app/ alone imports Electron', () => {
    const outside = violations(/^(?!test\/|build\/)/, (target, typeOnly, path) => {
      return target !== 'electron' || typeOnly || path.startsWith('electron/app/');
    });
    expect(outside).toEqual([]);
    expect(closureOf('electron/app/main.ts')).not.toContain('nodes/index.ts');
    for (const path of ['electron/app/main.ts', 'electron/server/server.ts'])
      expect([...closureOf(path)].filter((target) => target.startsWith('@tensorflow'))).toEqual([]);
  });

  it('the parts of graphs/ that an editor needs run without TensorFlow.js', () => {
    const pure = [
      ...sources.filter((path) => /^graphs\/(document|edit|engine)\//.test(path)),
      ...['events', 'cache', 'plan'].map((name) => `graphs/run/${name}.ts`),
    ];
    for (const path of pure) {
      const loaded = [...closureOf(path)].filter((target) => /^(@tensorflow|nodes\/ml\/)/.test(target));
      expect(loaded, path).toEqual([]);
    }
  });

  /** What each room of a folder may import from its neighbours; its own files are always allowed. */
  const rooms: Record<string, Record<string, readonly string[]>> = {
    graphs: {
      document: [],
      edit: ['document'],
      run: ['document', 'edit'],
      engine: ['document', 'edit', 'run'],
    },
    electron: {
      files: [],
      models: ['files'],
      devices: ['files'],
      training: ['files'],
      engine: ['files', 'models', 'devices', 'training'],
      host: ['files', 'models', 'devices', 'engine'],
      server: ['files', 'models', 'host'],
      cli: ['files', 'models', 'devices', 'training', 'engine', 'host', 'server'],
      app: ['files', 'models', 'host', 'engine'],
    },
    renderer: {
      state: [],
      controls: ['state'],
      level: ['state'],
      commands: ['state', 'controls', 'level'],
      canvas: ['state', 'controls', 'level', 'commands'],
      dialogs: ['state', 'controls', 'level', 'commands'],
      runs: ['state', 'controls', 'commands'],
      panels: ['state', 'controls', 'level', 'commands'],
    },
  };

  it.each(Object.keys(rooms))('the rooms of %s/ import downwards', (folder) => {
    const roomOf = (path: string) => path.match(`^${folder}/([a-z]+)/`)?.[1];
    const neighbours = rooms[folder]!;
    const up = violations(new RegExp(`^${folder}/`), (target, _type, path) => {
      const [from, to] = [roomOf(path), target.startsWith(`${folder}/`) ? roomOf(target) : undefined];
      return (
        !from || !target.startsWith(`${folder}/`) || from === to || (to !== undefined && neighbours[from]!.includes(to))
      );
    });
    expect(up).toEqual([]);
    const found = new Set(sources.flatMap((path) => roomOf(path) ?? []));
    expect([...found].filter((room) => room !== 'templates').sort()).toEqual(Object.keys(neighbours).sort());
  });

  it('no import circle', () => {
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      if (done.has(path) || trail.includes(path)) return;
      for (const { target, typeOnly } of imports.get(path) ?? [])
        if (!typeOnly && imports.has(target)) visit(target, [...trail, path]);
      done.add(path);
    };
    for (const path of sources) visit(path, []);
    expect(circles).toEqual([]);
  });

  it('nobody imports renderer/, and only tests import tests', () => {
    expect(violations(/^(?!renderer\/|test\/)/, (target) => !/^(renderer|test)\//.test(target))).toEqual([]);
  });
});

describe('what comes from outside', () => {
  it('only nodes/ml/tf.ts imports TensorFlow.js, and electron/devices its backends', () => {
    const isTensorflow = (target: string) => target.startsWith('@tensorflow/');
    const elsewhere = violations(/^(nodes|graphs|renderer|electron)\//, (target, _type, path) => {
      if (!isTensorflow(target) || path === 'nodes/ml/tf.ts') return true;
      return path.startsWith('electron/devices/') && !target.startsWith('@tensorflow/tfjs-core');
    });
    expect(elsewhere).toEqual([]);
  });

  it('nodes/ and graphs/ use no module of Node or Electron', () => {
    const shellOnly = [
      'electron',
      'sharp',
      'webgpu',
      'commander',
      'cli-progress',
      '@huggingface/hub',
      'playwright-core',
    ];
    const outside = (target: string) =>
      target.startsWith('node:') || builtinModules.includes(target) || shellOnly.includes(target);
    expect(violations(/^(nodes|graphs)\//, (target) => !outside(target))).toEqual([]);
  });
});

describe('nodes', () => {
  const index = readFileSync(join(root, 'nodes/index.ts'), 'utf8');
  const files = sources
    .filter((path) => /^nodes\/(?!ml\/)[a-z]+\//.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => text.includes('defineNode('));

  it('are listed in nodes/index.ts exactly once, under the name of their file', () => {
    const list = index.slice(index.indexOf('libraryOf(['));
    for (const { path, text } of files) {
      const name = (path.split('/').at(-1) as string).replace('.ts', '');
      expect(text.match(/export const (\w+) = defineNode\(/g), path).toEqual([`export const ${name} = defineNode(`]);
      expect(index, path).toContain(`import { ${name} } from './${path.slice('nodes/'.length)}';`);
      expect(list.match(new RegExp(`\\b${name}\\b`, 'g')), path).toHaveLength(1);
    }
    expect(library.size).toBe(files.length);
  });

  it('have a type that begins with their folder', () => {
    for (const { path, text } of files) {
      expect(text.match(/\btype: '([^']+)',\n\s+version:/)?.[1]?.split('/')[0], path).toBe(path.split('/')[1]);
    }
  });

  it('describe themselves in whole sentences', () => {
    for (const { type, title, summary, params, inputs, outputs } of library.values()) {
      expect(title, type).toMatch(/^[A-Z].*[^.]$/);
      expect(summary, type).toMatch(/^[A-Z].*\.$/s);
      for (const [name, { help }] of Object.entries({ ...params, ...inputs, ...outputs })) {
        if (help !== undefined) expect(help, `${type} ${name}`).toMatch(/^[A-Z].*\.$/s);
      }
    }
  });
});

describe('names of files', () => {
  it('say what is in them', () => {
    const vague = sources.filter((path) => {
      const words = (path.split('/').at(-1) as string).split(/\.|-|(?=[A-Z])/).map((word) => word.toLowerCase());
      return words.some((word) =>
        /^(managers?|helpers?|utils?|utilit(y|ies)|handles?|handlers?|data|infos?)$/.test(word),
      );
    });
    expect(vague).toEqual([]);
  });

  it('lead to files, where a program names them by their path', () => {
    const named = /'((?:electron|graphs|nodes|renderer|build)\/[\w./-]+\.(?:ts|tsx|mjs|html|json|css))'/g;
    const programs = sources.filter((path) => /^(electron|build)\//.test(path));
    const paths = programs.flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(named)].map((match) => match[1] as string),
    );
    expect(paths).toContain('electron/engine/engineProcess.ts');
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('are camelCase, PascalCase for components', () => {
    const odd = sources.filter(
      (path) => !/^[a-zA-Z][a-zA-Z0-9]*(\.[a-z]+)*\.(ts|tsx|mjs)$/.test(path.split('/').at(-1) as string),
    );
    expect(odd).toEqual([]);
  });
});
