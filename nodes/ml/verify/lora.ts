import { joinPath } from '../../files.ts';
import { describeModel } from '../models/load/loadGenerator.ts';
import { readLora } from '../models/load/loadLora.ts';
import { type LoadedModel, loadDescribed, type ModelDescription } from '../models/load/modelDescription.ts';
import { type Adapter, changedWeight, type Factored, type WeightChange } from '../models/lora.ts';
import { unet2DCondition } from '../models/unet2DCondition.ts';
import {
  grads,
  mul,
  reshape,
  slice,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tidy,
  transpose,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import { computedWeights } from './computedWeights.ts';
import type { Family, GoldenFolder } from './family.ts';
import { locateShared } from './goldenPath.ts';

interface Case {
  readonly base: string;
  readonly adapters: readonly { readonly file: string; readonly strength: number }[];
}

/** Adapters of every layout over a U-Net and text encoders: outputs, merged weights, gradients by the factors. */
export const lora: Family = async (golden) => {
  const { bases, cases } = golden.settings as { bases: Record<string, string>; cases: Record<string, Case> };
  for (const [base, place] of Object.entries(bases)) {
    const description = await describeModel(golden.files, await locateShared(golden, place));
    const model = await loadDescribed(description, {});
    try {
      for (const [name, stated] of Object.entries(cases))
        if (stated.base === base) await caseOutputs(golden, name, stated, { description, model });
      const plain = `out.base.${base}.noise_pred`; // after all adapters came and went
      if (golden.wanted.some((row) => row.name === plain))
        golden.output(
          plain,
          tidy(() => channelsFirst(predict(golden, base, { description, model }, model.weights.unet))),
        );
    } finally {
      model.dispose();
    }
  }
};

interface Base {
  readonly description: ModelDescription;
  readonly model: LoadedModel;
}

async function caseOutputs(golden: GoldenFolder, name: string, { base, adapters }: Case, at: Base): Promise<void> {
  const files = golden.settings.files as Record<string, { path: string }>;
  const chain: LoadedModel[] = [at.model];
  const loaded = new Map<string, Adapter>();
  try {
    for (const { file, strength } of adapters) {
      const last = chain.at(-1) as LoadedModel;
      const path = joinPath(golden.path, (files[file] as { path: string }).path);
      const model = { name: last.name, shapes: last.adaptable.shapes };
      const adapter = await readLora(golden.files, path, model, { unet: strength, text: strength });
      loaded.set(file, adapter);
      chain.push(last.adaptable.adapt(adapter));
    }
    const adapted = chain.at(-1) as LoadedModel;
    const each = (pattern: string, compute: (...groups: string[]) => Tensor) => {
      for (const row of golden.wanted) {
        const match = new RegExp(`^out\\.${name}\\.${pattern}$`).exec(row.name);
        if (match)
          golden.output(
            row.name,
            tidy(() => compute(...match.slice(1))),
          );
      }
    };
    each('noise_pred', () => channelsFirst(predict(golden, base, at, adapted.weights.unet)));
    each('merged\\.(.+)', (module) => {
      const weight = adapted.weights.unet.get(`${module}.weight`);
      return weight.rank === 4 ? transpose(weight, [3, 2, 0, 1]) : weight.clone();
    });
    each('(text_encoder(?:_2)?)', (part) => hiddenState(golden, base, adapted, part as string));
    gradients(golden, name, base, at, loaded);
  } finally {
    for (const model of chain.slice(1)) model.dispose();
  }
}

/** The U-Net's answer to the inputs of a base: [N, h, w, c]. */
function predict(golden: GoldenFolder, base: string, { description }: Base, weights: Weights, recompute = true) {
  const input = (name: string) => golden.input(`in.${base}.${name}`);
  const unet = unet2DCondition(weights, description.unet.config, { recompute });
  const added = description.sdxl && {
    added: { textEmbeds: input('text_embeds') as Tensor2D, timeIds: input('time_ids') as Tensor2D },
  };
  return unet(
    channelsLast(input('sample')),
    input('timestep') as Tensor1D,
    input('context') as Tensor3D,
    added || undefined,
  );
}

/** The state that a text encoder gives to the U-Net, before a final norm, first 16 tokens. */
function hiddenState(golden: GoldenFolder, base: string, { encoders }: LoadedModel, part: string): Tensor {
  const ids = golden.input(`in.${base}.${part}.input_ids`);
  const encoder = encoders[part === 'text_encoder' ? 0 : 1]!;
  const { hiddenStates } = encoder.encode([Array.from(ids.dataSync())]);
  const state = hiddenStates.at(encoders.length > 1 ? -2 : -1) as Tensor3D;
  return slice(state, [0, 0, 0], [1, 16, state.shape[2]]);
}

/** `out.<case>.grad.<file.>module.factor`: of sum(prediction * output_weight), with the factors as variables. */
function gradients(
  golden: GoldenFolder,
  name: string,
  base: string,
  at: Base,
  adapters: ReadonlyMap<string, Adapter>,
): void {
  const start = `out.${name}.grad.`;
  const watched = golden.wanted
    .filter((row) => row.name.startsWith(start))
    .map((row) => ({ row, factor: findFactor(row.name.slice(start.length), adapters) }));
  if (watched.length === 0) return;
  const results = tidy(() => {
    const outputWeight = channelsLast(golden.input(`in.${base}.output_weight`));
    const loss = (...factors: Tensor[]) => {
      const variables = new Map(watched.map(({ factor }, i) => [factor, factors[i] as Tensor2D]));
      const weights = computedWeights(at.model.weights.unet, (weight) => {
        const changes = [...adapters.values()].flatMap((adapter) => adapter.changes.unet?.get(weight) ?? []);
        return changes.length === 0
          ? undefined
          : changedWeight(
              at.model.weights.unet.get(weight),
              changes.map((change) => mapFactors(change, (tensor) => variables.get(tensor) ?? tensor)),
            );
      });
      return sum(mul(predict(golden, base, at, weights, false), outputWeight));
    };
    const all = grads(loss)(watched.map(({ factor }) => factor));
    return all.map((gradient, i) => reshape(gradient, [...watched[i]!.row.shape]));
  });
  for (const [i, { row }] of watched.entries()) golden.output(row.name, results[i] as Tensor);
}

function findFactor(stated: string, adapters: ReadonlyMap<string, Adapter>): Tensor2D {
  const file = [...adapters.keys()].find((each) => adapters.size > 1 && stated.startsWith(`${each}.`)) ?? '';
  const adapter = adapters.get(file) ?? [...adapters.values()][0]!;
  const place = file === '' ? stated : stated.slice(file.length + 1);
  const [module, factor] = [place.slice(0, place.lastIndexOf('.')), place.slice(place.lastIndexOf('.') + 1)];
  const change = adapter.changes.unet?.get(`${module}.weight`)?.[0];
  if (!change) throw new Error(`No adapter changes "${module}".`);
  return factorOf(change, factor);
}

/** A factor by the end of its name in files, as `down`, `w1` or `w2_a`. */
function factorOf(change: WeightChange, factor: string): Tensor2D {
  if (change.kind === 'lora') return factor === 'up' ? change.up : change.down;
  const factored = factor.startsWith('w1') ? change.first : change.second;
  if ('whole' in factored) return factored.whole;
  return factor.endsWith('_a') ? factored.a : factored.b;
}

function mapFactors(change: WeightChange, map: (tensor: Tensor2D) => Tensor2D): WeightChange {
  const inside = (factored: Factored): Factored =>
    'whole' in factored ? { whole: map(factored.whole) } : { a: map(factored.a), b: map(factored.b) };
  if (change.kind === 'lora') return { ...change, up: map(change.up), down: map(change.down) };
  return { ...change, first: inside(change.first), second: inside(change.second) };
}
