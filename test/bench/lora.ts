import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFiles } from '../../electron/files/files.ts';
import { fileFolders } from '../../electron/files/folders.ts';
import { anywhere } from '../../electron/files/paths.ts';
import { sampleImages } from '../../nodes/ml/diffusion/sampleImages.ts';
import { loadLora } from '../../nodes/ml/models/load/loadLora.ts';
import { changedWeight } from '../../nodes/ml/models/lora.ts';
import { unetConfig, unetShapes } from '../../nodes/ml/models/unet2DCondition.ts';
import { dispose, matMul, mul, randomNormal, scalar, type Tensor, type Tensor2D, tidy } from '../../nodes/ml/tf.ts';
import { writeSafetensors } from '../../nodes/ml/weights/writeSafetensors.ts';
import type { Generator } from '../../nodes/ports.ts';
import { median, printJson, printTable } from './speed/figures.ts';
import { withSubject } from './speed/subject.ts';

/*
 * What LoRAs cost: the seconds to lay three of rank 64 over the attention of SDXL's U-Net, one weight of each shape for all of
 * it, so that it takes the memory of one weight; and the time of an image with three over the model, over the time
 * without. Prints a table and whether the goals are met, then the same as JSON; exits 1 where one is not.
 *
 *   npm run bench -- lora [--model FOLDER] [--device NAME] [--rounds N]
 */
const RANK = 64;
const LORAS = 3;
const REPEATS = 5; // of a weight, of which there are up to hundreds alike
const MOST_SECONDS = 2; // of laying them over
const MOST_RATIO = 1.02; // of sampling

const sdxl = {
  block_out_channels: [320, 640, 1280],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  transformer_layers_per_block: [1, 2, 10],
  attention_head_dim: [5, 10, 20],
  cross_attention_dim: 2048,
  use_linear_projection: true,
  addition_embed_type: 'text_time',
  addition_time_embed_dim: 256,
  projection_class_embeddings_input_dim: 2816,
};
/** What LoRAs usually change: the linear layers of transformers. */
const isAdapted = (name: string): boolean => /attentions\..*\.weight$/.test(name) && !name.includes('norm');
const randomMatrix = (rows: number, columns: number): Tensor2D => randomNormal([rows, columns], 0, 0.02);

interface Laid {
  readonly seconds: number;
  /** Over all cores. */
  readonly processorSeconds: number;
  /** Processor seconds of the product alone, and the FLOPs of it. */
  readonly floor: number;
  readonly flops: number;
  readonly weights: number;
}

/** Seconds to change all weights of SDXL's U-Net that LoRAs usually change: of one weight of each shape, times their number. */
async function layOverSdxl(): Promise<Laid> {
  const matrices = [...unetShapes(unetConfig(sdxl))].filter(([name, shape]) => isAdapted(name) && shape.length === 2);
  const byShape = groupByShape(matrices);
  let [seconds, processorSeconds, floor, flops] = [0, 0, 0, 0];
  for (const alike of byShape.values()) {
    const [rows, columns] = alike[0]![1] as [number, number];
    const weight = randomMatrix(rows, columns);
    const changes = Array.from({ length: LORAS }, () => {
      return { kind: 'lora', scale: 0.7, up: randomMatrix(rows, RANK), down: randomMatrix(RANK, columns) } as const;
    });
    const [a, b] = [randomMatrix(rows, LORAS * RANK), randomMatrix(LORAS * RANK, columns)];
    const laid = await timeMany(() => changedWeight(weight, changes));
    const product = await timeMany(() => matMul(a, b));
    seconds += alike.length * laid.seconds;
    processorSeconds += alike.length * laid.processorSeconds;
    floor += alike.length * product.processorSeconds;
    flops += alike.length * 2 * LORAS * RANK * rows * columns;
    dispose([weight, a, b, ...changes.flatMap(({ up, down }) => [up, down])]);
  }
  return { seconds, processorSeconds, floor, flops, weights: matrices.length };
}

/** Mean seconds of a computation, of several that the device does one after the other. */
async function timeMany(
  compute: () => Tensor,
): Promise<{ readonly seconds: number; readonly processorSeconds: number }> {
  compute().dispose(); // warms up
  await awaitDevice();
  const [start, processor] = [performance.now(), process.cpuUsage()];
  for (let i = 0; i < REPEATS; i++) compute().dispose();
  await awaitDevice();
  const { user, system } = process.cpuUsage(processor);
  return {
    seconds: (performance.now() - start) / 1000 / REPEATS,
    processorSeconds: (user + system) / 1e6 / REPEATS,
  };
}

function groupByShape<Entry extends readonly [string, readonly number[]]>(
  entries: readonly Entry[],
): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) groups.set(entry[1].join(), [...(groups.get(entry[1].join()) ?? []), entry]);
  return groups;
}

/** Waits for all that was asked of the device before: it computes in order. (To read of a large tensor takes as long as to make it.) */
async function awaitDevice(): Promise<void> {
  const two = tidy(() => mul(scalar(1), 2));
  await two.data();
  two.dispose();
}

/** A LoRA in peft's layout over the transformers of a generator, small enough to leave its images alike. */
function loraOf({ adaptable }: Generator): Uint8Array {
  const linear = [...(adaptable?.shapes.unet ?? [])].filter(([name, shape]) => isAdapted(name) && shape.length === 2);
  const matrix = (rows: number, columns: number) => {
    const values = Float32Array.from({ length: rows * columns }, (_, i) => 0.001 * Math.sin(i));
    return { dtype: 'F16' as const, shape: [rows, columns], values };
  };
  return writeSafetensors(
    new Map(
      (linear as [string, [number, number]][]).flatMap(([name, [rows, columns]]) => {
        const module = `unet.${name.slice(0, -'.weight'.length)}`;
        return [
          [`${module}.lora_A.weight`, matrix(RANK, columns)] as const,
          [`${module}.lora_B.weight`, matrix(rows, RANK)] as const,
        ];
      }),
    ),
  );
}

await withSubject(async (subject) => {
  const laid: Laid[] = [];
  for (let round = 0; round < subject.rounds; round++) laid.push(await layOverSdxl());
  const place = await mkdtemp(join(tmpdir(), 'noiseloom-lora-'));
  try {
    const chain = [await subject.loadGenerator()];
    const path = join(place, 'lora.safetensors');
    await writeFile(path, loraOf(chain[0]!));
    const files = openFiles(fileFolders(place, anywhere));
    for (let i = 0; i < LORAS; i++) chain.push(await loadLora(files, path, chain.at(-1)!, { unet: 0.7, text: 0.7 }));
    const draw = async (generator: Generator): Promise<number> => {
      const request = subject.request(generator, 1);
      const settings = { ...request.settings, steps: 4, guidanceScale: 1 };
      const start = performance.now();
      const { pixels } = await sampleImages(generator, { ...request, settings }, 1, async () => {});
      await pixels.data();
      const seconds = (performance.now() - start) / 1000;
      dispose([pixels, request.noise.latents]);
      return seconds;
    };
    const [plain, adapted] = [chain[0]!, chain.at(-1)!];
    for (const each of [plain, adapted]) await draw(each);
    const ratios: number[] = [];
    for (let round = 0; round < subject.rounds; round++) ratios.push(1 / ((await draw(plain)) / (await draw(adapted))));
    for (const each of chain.toReversed()) each.dispose();
    const [seconds, ratio] = [median(laid.map((each) => each.seconds)), median(ratios)];
    const processorSeconds = median(laid.map((each) => each.processorSeconds));
    const { weights, flops } = laid[0]!;
    printTable(
      ['', 'value', 'goal'],
      [
        [`${LORAS} LoRAs of rank ${RANK} over ${weights} weights of SDXL, seconds`, seconds, MOST_SECONDS],
        ['the same in seconds of processor, over all cores', processorSeconds, ''],
        ['of which their product alone takes', median(laid.map((each) => each.floor)), ''],
        ['its FLOPs, in units of 10^9', flops / 1e9, ''],
        ['an image of 4 steps with them, over one without', ratio, MOST_RATIO],
      ],
    );
    printJson({ seconds, processorSeconds, ratio, weights, flops });
    if (seconds > MOST_SECONDS || ratio > MOST_RATIO) process.exitCode = 1;
  } finally {
    await rm(place, { recursive: true });
  }
});
