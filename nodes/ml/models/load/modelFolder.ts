import { UserError } from '../../../errors.ts';
import { type Files, joinPath } from '../../../files.ts';
import { parseJson } from '../../../parseJson.ts';
import { largest, readText } from '../../../readWhole.ts';
import type { Json } from '../unetConfig.ts';

/** The text of a config in a folder. Throws UserError `NOT_FOUND` that lists what the folder holds, or `TOO_LARGE`. */
export async function readConfigText(files: Files, folder: string, name: string): Promise<string> {
  const path = joinPath(folder, name);
  if ((await files.size(path)) === undefined)
    throw new UserError('NOT_FOUND', `"${folder}" has no ${name}; ${await contentOf(files, folder)}.`);
  return readText(files, path, largest.config);
}

/** A JSON object in a folder. Throws UserError `BAD_CONFIG` and what `readConfigText` throws. */
export async function readConfig(files: Files, folder: string, name = 'config.json'): Promise<Json> {
  const path = joinPath(folder, name);
  const text = await readConfigText(files, folder, name);
  let config: unknown;
  try {
    config = parseJson(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new UserError('BAD_CONFIG', `"${path}" is not valid JSON: ${cause.message}.`, { cause });
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new UserError('BAD_CONFIG', `"${path}" must hold a JSON object.`);
  return config as Json;
}

/**
 * The weights file of a component's folder, by diffusers' and transformers' names: safetensors before torch files, one
 * without a variant (full precision) before fp16, an index of several parts like a file, its variant before or after
 * `index`. Throws UserError `NOT_FOUND`.
 */
export async function findWeights(files: Files, folder: string): Promise<string> {
  const pattern =
    /^(model|pytorch_model|diffusion_pytorch_model)(\.[\w-]+)?\.(safetensors|sft|bin|ckpt)(\.index(\.[\w-]+)?\.json)?$/i;
  const names = (await files.list(folder)) ?? [];
  const parts = names.filter((name) => /-\d{5}-of-\d{5}\b/.test(name));
  const found = names.flatMap((name) => {
    const match = parts.includes(name) ? null : pattern.exec(name);
    const [variant, format] = [match?.[2] ?? match?.[5] ?? '', match?.[3] ?? ''];
    return match ? [{ name, rank: rankOf(variant.toLowerCase(), format.toLowerCase(), match[4] !== undefined) }] : [];
  });
  const best = found.sort((a, b) => a.rank - b.rank)[0];
  if (best) return joinPath(folder, best.name);
  if (parts.length > 0)
    throw new UserError(
      'NOT_FOUND',
      `"${folder}" has ${parts.length} parts of weights (${parts.slice(0, 2).join(', ')}), and not the .index.json that says which tensor lies in which.`,
    );
  throw new UserError(
    'NOT_FOUND',
    `"${folder}" has no weights: looked for model, pytorch_model or diffusion_pytorch_model, perhaps with .fp16, as .safetensors, .bin or their .index.json; ${await contentOf(files, folder)}.`,
  );
}

function rankOf(variant: string, format: string, inParts: boolean): number {
  const precision = ['', '.fp16', '.bf16', '.fp32'].indexOf(variant);
  return (/bin|ckpt/.test(format) ? 100 : 0) + (precision === -1 ? 10 : precision) + (inParts ? 0.5 : 0);
}

/** For people: "it holds a, b" or "there is no such folder". */
export async function contentOf(files: Files, folder: string): Promise<string> {
  const names = await files.list(folder);
  if (!names) return 'there is no such folder';
  const [shown, more] = [names.slice(0, 12), names.length - 12];
  return names.length === 0 ? 'it is empty' : `it holds ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** For people: `owner/name` for a snapshot of the Hugging Face cache, else the name of the folder or file. */
export function nameOf(path: string): string {
  const cached = /models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\]/.exec(path);
  return cached ? `${cached[1]}/${cached[2]}` : (path.split(/[\\/]/).filter(Boolean).at(-1) ?? path);
}
