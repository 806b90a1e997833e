import { brownianTree } from '../brownianTree.ts';
import { freshNoise, type NoiseProgram, type NoiseStream, noiseStreams, startNoise } from '../noiseStream.ts';
import { dispose, stack, tidy } from '../tf.ts';
import { varyNoise } from '../varyNoise.ts';
import { channelsFirst } from './channels.ts';
import type { GoldenFolder } from './family.ts';

interface NoiseCase {
  readonly seed: number;
  /** [channels, height, width] */
  readonly shape: readonly [number, number, number];
  readonly batch: number;
  readonly batch_index: readonly number[];
  readonly ensd: number;
  readonly subseed: number;
  readonly subseed_strength: number;
}

/** `out.noise.*`: what seeds give in ComfyUI and webui; `out.brownian.*`: torchsde at the places where SDE samplers draw. */
export async function noiseOutputs(golden: GoldenFolder): Promise<void> {
  tidy(() => comfyNoise(golden));
  for (const [start, program] of [['cpu', 'a1111-cpu'], ['nv', 'a1111-gpu']] as const) // biome-ignore format: pairs
    await webuiNoise(golden, start, program);
  for (const sampler of ['dpmpp_sde', 'dpmpp_2m_sde']) await brownianNoise(golden, sampler);
}

/** Tensors in the order of the file. */
function reader(golden: GoldenFolder) {
  const settings = golden.settings.noise as NoiseCase;
  const [c, h, w] = settings.shape;
  const shape = [h, w, c] as const;
  const further = (streams: readonly NoiseStream[]) => {
    const fresh = freshNoise(streams, shape, [0, 1]);
    return () => channelsFirst(fresh.next());
  };
  return { settings, start: (streams: readonly NoiseStream[]) => startNoise(streams, shape), further };
}

function comfyNoise(golden: GoldenFolder): void {
  const { settings, start, further } = reader(golden);
  const { seed, batch, batch_index: indexes } = settings;
  const whole = noiseStreams('comfyui', seed, batch);
  golden.output('out.noise.comfy_batch', channelsFirst(start(whole)));
  golden.output('out.noise.comfy_batch_index', channelsFirst(start(noiseStreams('comfyui', seed, batch, { indexes }))));
  const next = further(whole);
  golden.output('out.noise.comfy_sampler', stack([next(), next()]));
}

async function webuiNoise(golden: GoldenFolder, name: string, program: NoiseProgram): Promise<void> {
  const { settings, start, further } = reader(golden);
  const { seed, batch, ensd, subseed, subseed_strength: strength } = settings;
  const streams = noiseStreams(program, seed, batch);
  const [first, other] = [start(streams), start(noiseStreams(program, subseed, batch))];
  const varied = await varyNoise(first, other, strength);
  tidy(() => {
    golden.output(`out.noise.${name}_first`, channelsFirst(first));
    const next = further(streams);
    golden.output(`out.noise.${name}_next`, stack([next(), next()]));
    golden.output(`out.noise.${name}_ensd_next`, further(noiseStreams(program, seed, batch, { ensd }))());
    golden.output(`out.noise.${name}_variation`, channelsFirst(varied));
  });
  dispose([first, other, varied]);
}

async function brownianNoise(golden: GoldenFolder, sampler: string): Promise<void> {
  const places = await golden.reference(`out.${sampler}.asked`);
  const asked = Array.from(places.dataSync());
  const sigmas = Array.from(golden.input('in.sigmas').dataSync()).filter((level) => level > 0);
  const { seed } = golden.settings.noise as NoiseCase;
  const shape = golden.input('in.start').shape;
  const size = shape.reduce((product, each) => product * each, 1);
  const tree = brownianTree(seed, Math.min(...sigmas), Math.max(...sigmas), size);
  const draws = Array.from({ length: asked.length / 2 }, (_, i) => {
    const [from, to] = asked.slice(2 * i) as [number, number];
    return Array.from(tree(from, to), (value) => value / Math.sqrt(from - to));
  });
  golden.output(`out.brownian.${sampler.replace('dpmpp_', '')}_draws`, draws.flat());
}
