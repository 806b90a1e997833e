import type { Files } from '../../../files.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import type { WholeFile } from '../../weights/wholeFile.ts';

/**
 * How many steps a distilled model takes, which only its name tells; undefined for others. Whole words count, also those
 * written together with a capital: `HyperSDXL`, and not `hyperrealistic`, `Hyper-Realistic`.
 */
export function fewSteps(name: string): { steps: number; remark: string } | undefined {
  const words = name
    .replace(/\.\w+$/, '')
    .replace(/([a-z])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3 $2$4')
    .toLowerCase()
    .split(/[^a-z]+/);
  const word = words.find(
    (each, i) =>
      ['turbo', 'lightning', 'hyper'].includes(each) &&
      !(each === 'hyper' && /^(real|detail|photo)/.test(words[i + 1] ?? '')),
  );
  if (word === undefined) return undefined;
  const stated = /(?:^|\D)([1-8])[ _-]?steps?/i.exec(name)?.[1];
  const steps = stated === undefined ? (word === 'turbo' ? 1 : 4) : Number(stated);
  const remark = `"${name}" has the word "${word}" in its name, so it is taken for a distilled model: ${steps} ${steps === 1 ? 'step' : 'steps'} without guidance unless the sampler says otherwise, and trailing timesteps. If it is none, rename the file.`;
  return { steps, remark };
}

/** Whether a file has a tensor that is there to say something, whatever its value. */
export function marks(file: WholeFile, name: string): boolean {
  file.setAside([name]);
  return file.has(name);
}

/**
 * What the U-Net of a file predicts, as the file says: by its metadata (modelspec 1.0.0, or ComfyUI's name for it), by a
 * tensor named `v_pred`, or by a `.yaml` of the same name beside it, as latent-diffusion's code wants it. Undefined where
 * nothing does.
 */
export async function readPrediction(files: Files, file: WholeFile): Promise<'epsilon' | 'v_prediction' | undefined> {
  if (marks(file, 'v_pred')) return 'v_prediction';
  const { metadata } = file;
  const said =
    metadata.get('modelspec.prediction_type') ??
    metadata.get('modelspec.predict_key') ??
    (await yamlBeside(files, file));
  if (said === 'v' || said === 'v_prediction') return 'v_prediction';
  return said === 'epsilon' || said === 'eps' ? 'epsilon' : undefined;
}

/** `v` or `epsilon`, where a config of latent-diffusion beside a file says so. */
async function yamlBeside(files: Files, { path }: Checkpoint): Promise<string | undefined> {
  for (const ending of ['yaml', 'yml']) {
    const place = path.replace(/\.\w+$/, `.${ending}`);
    const size = await files.size(place).catch(() => undefined); // one that may not be read
    if (size === undefined || size > LONGEST_YAML) continue;
    const text = new TextDecoder().decode(await files.read(place));
    if (/^\s*parameterization:\s*["']?v["']?\s*(#.*)?$/m.test(text) || /\bV(Scaling|Weighting)\b/.test(text))
      return 'v';
    return 'epsilon';
  }
  return undefined;
}
const LONGEST_YAML = 1 << 20;
