import { existsSync } from 'node:fs';
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { limits } from '../../graphs/document/document.ts';
import { UserError } from '../../nodes/errors.ts';
import { isPlainName } from '../../nodes/files.ts';
import { makeFolder, writeAtomic } from '../files/disk.ts';
import { extractGraphText, MAX_GRAPH_BYTES } from '../files/graphText.ts';
import type { Tell } from '../files/jsonFile.ts';
import { recentFile, type Used } from '../files/recentFile.ts';
import type { GraphFile, GraphPlace, RecentGraph } from './ipc.ts';

/** How many are remembered. */
const MAX_RECENT = 50;

/**
 * The graphs that the user opened or saved: only those can be read and written again, so that a window that went astray
 * reaches no other file. Without dialogs, the graphs directly inside `graphsFolder` count as well. `tell` as in `jsonFile`.
 */
export function recentGraphs(dataFolder: string, graphsFolder: string, dialogs: boolean, tell?: Tell) {
  const file = recentFile(dataFolder, tell);

  const remember = (location: string) =>
    file.change((recent) =>
      [{ location, used: new Date().toISOString() }, ...recent.filter((old) => old.location !== location)].slice(
        0,
        MAX_RECENT,
      ),
    );

  const refuseUnknown = async (location: string) => {
    if ((await file.read()).some((known) => known.location === location)) return;
    if (!dialogs && (await isIn(graphsFolder, location))) return;
    throw new UserError('NOT_ALLOWED', `"${location}" is no graph that was opened or saved here: open it first.`);
  };

  return {
    /** Opens what the user chose, and remembers it. A PNG gives its graph but no place to save to. */
    async open(location: string): Promise<GraphFile> {
      const text = extractGraphText(await readGraph(location), location);
      const name = nameWithoutEnding(location);
      if (/\.png$/i.test(location)) return { name, text };
      await remember(location);
      return { location, name, text };
    },
    async openRecent(location: string): Promise<GraphFile> {
      await refuseUnknown(location);
      return this.open(location);
    },
    async save(location: string, text: string): Promise<GraphPlace> {
      await refuseUnknown(location);
      return this.saveChosen(location, text);
    },
    /** Saves where the user chose to. */
    async saveChosen(location: string, text: string): Promise<GraphPlace> {
      await write(location, text);
      await remember(location);
      return { location, name: nameWithoutEnding(location) };
    },
    /** Saves under a name in the folder of graphs. */
    async saveNamed(name: string, text: string, replace: boolean): Promise<GraphPlace> {
      const stem = name.replace(/\.json$/i, '').trim();
      if (!isPlainName(stem) || stem.includes('/') || stem.startsWith('.') || stem.length > 120)
        throw new UserError('BAD_NAME', `"${name}" cannot be the name of a file: leave out slashes and leading dots.`);
      const location = join(graphsFolder, `${stem}.json`);
      if (!replace && existsSync(location))
        throw new UserError('EXISTS', `There is a graph "${stem}" in "${graphsFolder}" already.`);
      await makeFolder(graphsFolder);
      return this.saveChosen(location, text);
    },
    async list(): Promise<RecentGraph[]> {
      const used = (await file.read()).map(({ location, used }) => ({ location, used }));
      const known = new Set(used.map(({ location }) => location));
      const others = dialogs ? [] : (await graphsIn(graphsFolder)).filter(({ location }) => !known.has(location));
      return [...used, ...others]
        .sort((a, b) => (a.used < b.used ? 1 : -1))
        .map((graph) => ({ ...graph, name: nameWithoutEnding(graph.location), exists: existsSync(graph.location) }));
    },
    async forget(location: string): Promise<void> {
      await file.change((recent) => recent.filter((old) => old.location !== location));
    },
  };
}

/** The name of a graph for people: that of its file without the ending. */
function nameWithoutEnding(location: string): string {
  return basename(location).replace(/\.(json|png)$/i, '');
}

async function readGraph(location: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(location);
    if (size > MAX_GRAPH_BYTES)
      throw new UserError('TOO_LARGE', `"${location}" has ${size} bytes; a graph has at most ${MAX_GRAPH_BYTES}.`);
    return await readFile(location);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw absent
      ? new UserError('NOT_FOUND', `There is no graph "${location}".`, { cause })
      : new UserError('READ_FAILED', `The graph "${location}" could not be read: ${reason}.`, { cause });
  }
}

async function write(location: string, text: string): Promise<void> {
  if (text.length > limits.text)
    throw new UserError('TOO_LARGE', `The graph has ${text.length} characters; at most ${limits.text} are allowed.`);
  await writeAtomic(location, text);
}

/** Whether a path is that of a graph file directly inside a folder, links followed. */
async function isIn(folder: string, location: string): Promise<boolean> {
  if (!location.endsWith('.json') || dirname(resolve(location)) !== resolve(folder)) return false;
  const [real, inside] = await Promise.all([realpath(location), realpath(folder)]).catch(() => []);
  return real !== undefined && inside !== undefined && dirname(real) === inside;
}

/** Graph files directly inside a folder, by what their text begins with. */
async function graphsIn(folder: string): Promise<Used[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
  const found = await Promise.all(
    names.map(async (name): Promise<Used[]> => {
      const location = join(folder, name);
      try {
        const file = await open(location);
        try {
          const { buffer, bytesRead } = await file.read(Buffer.alloc(200), 0, 200, 0);
          const used = (await file.stat()).mtime.toISOString();
          return buffer.toString('utf8', 0, bytesRead).includes('"noiseloom-graph"') ? [{ location, used }] : [];
        } finally {
          await file.close();
        }
      } catch {
        return [];
      }
    }),
  );
  return found.flat();
}
