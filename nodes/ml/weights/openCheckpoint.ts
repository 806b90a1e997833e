import { type Files, folderOf, isPlainName, joinPath } from '../../files.ts';
import { parseJson } from '../../parseJson.ts';
import { quote } from '../../quote.ts';
import { largest, readText } from '../../readWhole.ts';
import { badCheckpoint, type Checkpoint, entryOf } from './checkpoint.ts';
import { foreignContent } from './foreignContent.ts';
import { openSafetensors } from './safetensors.ts';
import { openTorchCheckpoint } from './torchCheckpoint.ts';
import { isZip } from './zip.ts';

/** How much of a file's start tells what it is. */
const START_BYTES = 512;

/**
 * Opens a checkpoint by what it contains: safetensors, a torch file (`.pt`, `.pth`, `.ckpt`, `.bin`), or, by its name, the
 * index of a checkpoint in several files. The ending decides only where the content tells nothing. Reads and checks
 * headers only. Throws UserError `NOT_FOUND`, `READ_FAILED` or `BAD_CHECKPOINT`.
 */
export async function openCheckpoint(files: Files, path: string): Promise<Checkpoint> {
  if (/\.index(\.[\w-]+)?\.json$/i.test(path)) return openSharded(files, path);
  const size = await files.size(path);
  const start = await files.read(path, 0, Math.min(size ?? 0, START_BYTES));
  const foreign = foreignContent(start);
  if (foreign) throw badCheckpoint(path, foreign);
  const isTorch = isZip(start) || start[0] === 0x80;
  if (startsHeader(start) || (!isTorch && /\.(safetensors|sft)$/i.test(path))) return openSafetensors(files, path);
  return openTorchCheckpoint(files, path);
}

/** A length in 8 bytes, of which the last are zero, and then a JSON object. No torch file starts so. */
function startsHeader(start: Uint8Array): boolean {
  return start[5] === 0 && start[6] === 0 && start[7] === 0 && start[8] === 0x7b;
}

/** An index maps every tensor to a file in the index' own folder. */
async function openSharded(files: Files, path: string): Promise<Checkpoint> {
  const shardNames = await readIndex(files, path);
  const folder = folderOf(path);
  const shards = new Map<string, Checkpoint>();
  for (const shardName of new Set(shardNames.values())) {
    const shardPath = joinPath(folder, shardName);
    if ((await files.size(shardPath)) === undefined) throw badCheckpoint(path, `its part "${shardName}" is missing`);
    shards.set(shardName, await openCheckpoint(files, shardPath));
  }
  const placed = new Map<string, Checkpoint>();
  for (const [name, shardName] of shardNames) {
    const shard = shards.get(shardName) as Checkpoint;
    if (!shard.has(name)) throw badCheckpoint(path, `"${shardName}" lacks the tensor "${name}"`);
    placed.set(name, shard);
  }
  return {
    path,
    metadata: new Map(),
    names: () => [...placed.keys()],
    has: (name) => placed.has(name),
    entry: (name) => entryOf(placed, path, name).entry(name),
    read: async (name, staging) => entryOf(placed, path, name).read(name, staging),
  };
}

async function readIndex(files: Files, path: string): Promise<Map<string, string>> {
  let index: unknown;
  try {
    index = parseJson(await readText(files, path, largest.index));
  } catch (error) {
    if (error instanceof SyntaxError) throw badCheckpoint(path, `it is not valid JSON: ${error.message}`, error);
    throw error;
  }
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw badCheckpoint(path, 'it has no weight_map');
  const shardNames = new Map<string, string>();
  for (const [name, shardName] of Object.entries(map)) {
    const isShard = typeof shardName === 'string' && isPlainName(shardName) && !shardName.endsWith('.json');
    if (!isShard)
      throw badCheckpoint(path, `${quote(name)} is said to lie in ${quote(shardName)}, outside of its folder`);
    shardNames.set(name, shardName);
  }
  return shardNames;
}
