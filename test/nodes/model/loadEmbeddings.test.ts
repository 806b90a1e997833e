import { beforeAll, describe, expect, it } from 'vitest';
import type { Files } from '../../../nodes/files.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { readings } from '../../../nodes/ml/models/promptReader.ts';
import { writeSafetensors } from '../../../nodes/ml/weights/writeSafetensors.ts';
import { loadEmbeddings } from '../../../nodes/model/loadEmbeddings.ts';
import { loadLora } from '../../../nodes/model/loadLora.ts';
import type { Generator } from '../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../support/golden.ts';
import { drawnBy } from '../../support/imageOf.ts';
import { tinyLora } from '../../support/loraFile.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { type Kind, tinyModel } from '../../support/tinyModels.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

// What their vectors do is compared with ComfyUI, webui and diffusers by the golden family prompt-weights.

const embedding = (shapes: Readonly<Record<string, readonly number[]>>): Uint8Array =>
  writeSafetensors(
    new Map(
      Object.entries(shapes).map(([name, shape]) => {
        const count = shape.reduce((product, each) => product * each, 1);
        return [
          name,
          { dtype: 'F32' as const, shape, values: Float32Array.from({ length: count }, (_, i) => Math.sin(i)) },
        ];
      }),
    ),
  );
const below = (folder: string, files: Readonly<Record<string, Uint8Array | string>>) =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));
const models = { sd1: tinyModel('sd1'), sdxl: tinyModel('sdxl') };
const diskOf = (kind: keyof typeof models, files: Record<string, Uint8Array>) =>
  memoryFiles({ ...below('model', models[kind].files), ...files });

/** Widths of the text encoders of the tiny models. */
async function widthsOf(kind: Kind & keyof typeof models): Promise<readonly number[]> {
  const generator = await loadGenerator(diskOf(kind, {}), 'model');
  generator.dispose();
  return generator.adaptable!.widths;
}

/** Runs the node over a generator of a style; both are freed. */
async function withEmbeddings<Value>(
  files: Files,
  embeddings: string,
  use: (embedded: Generator, base: Generator) => Value | Promise<Value>,
  style: keyof typeof readings = 'comfy',
): Promise<{ value: Value; remarks: readonly string[] }> {
  const base = await loadGenerator(files, 'model', { reading: readings[style] });
  try {
    const { context, remarks } = nodeContext({ files });
    const { generator } = await loadEmbeddings.run({ generator: base }, { embeddings }, context);
    try {
      return { value: await use(generator as Generator, base), remarks };
    } finally {
      (generator as Generator).dispose();
    }
  } finally {
    base.dispose();
  }
}

const draw = (generator: Generator, prompt: string) => drawnBy(generator, { scheduler: 'model', prompt }).slice();

describe('embeddings', () => {
  it('are named in both ways, from folders in a folder too', async () => {
    const [width] = await widthsOf('sd1');
    const files = diskOf('sd1', {
      'e/dot.safetensors': embedding({ emb_params: [2, width!] }),
      'e/more/dash.pt': embedding({ '<x>': [width!] }),
    });
    const { value: named } = await withEmbeddings(files, 'e', (generator) => [
      draw(generator, 'a embedding:dot'),
      draw(generator, 'a embedding:dash'),
      draw(generator, 'a embedding:more/dash.pt'),
      generator.unknownEmbeddings?.('embedding:dot embedding:none, (embedding:dash:1.2)'),
    ]);
    const [dot, dash, path, unknown] = named;
    expect(path).toEqual(dash);
    expect(dash).not.toEqual(dot);
    expect(unknown).toEqual(['none']);
    const { value: bare } = await withEmbeddings(files, 'e', (generator) => draw(generator, 'a dot'), 'a1111');
    expect(bare).toEqual(dot);
  });

  it('of SDXL are pairs', async () => {
    const [l, g] = await widthsOf('sdxl');
    const files = diskOf('sdxl', {
      'pair.safetensors': embedding({ clip_l: [2, l!], clip_g: [2, g!] }),
      'half.safetensors': embedding({ clip_l: [2, l!] }),
    });
    const images = [];
    for (const name of ['pair', 'half'])
      images.push(
        (await withEmbeddings(files, `${name}.safetensors`, (generator) => draw(generator, `a embedding:${name}`)))
          .value,
      );
    expect(images[0]).not.toEqual(images[1]);
  });

  it('stay where a LoRA is laid over them, and lie over one', async () => {
    const [width] = await widthsOf('sd1');
    const lora = tinyLora(models.sd1, 'kohya');
    const files = diskOf('sd1', {
      'dot.safetensors': embedding({ emb_params: [2, width!] }),
      'a.safetensors': writeSafetensors(lora.tensors, lora.metadata),
    });
    const lay = async (generator: Generator) => {
      const { context } = nodeContext({ files });
      const outputs = await loadLora.run(
        { generator },
        { model: 'a.safetensors', strength: 1, textStrength: 1 },
        context,
      );
      return outputs.generator as Generator;
    };
    const { value: under } = await withEmbeddings(files, 'dot.safetensors', async (generator) => {
      const laid = await lay(generator);
      const image = draw(laid, 'a embedding:dot');
      laid.dispose();
      return image;
    });
    const base = await loadGenerator(files, 'model', { reading: readings.comfy });
    const laid = await lay(base);
    const { context } = nodeContext({ files });
    const { generator } = await loadEmbeddings.run({ generator: laid }, { embeddings: 'dot.safetensors' }, context);
    const over = draw(generator as Generator, 'a embedding:dot');
    for (const each of [generator as Generator, laid, base]) each.dispose();
    expect(over).toEqual(under);
  });

  it('of another width are refused by themselves, and left out of a folder', async () => {
    const [width] = await widthsOf('sd1');
    const files = diskOf('sd1', {
      'e/wide.safetensors': embedding({ emb_params: [2, width! + 8] }),
      'e/dot.safetensors': embedding({ emb_params: [2, width!] }),
      'e/two.pt': embedding({ a: [1, width!], b: [1, width!] }),
    });
    await expect(withEmbeddings(files, 'e/wide.safetensors', () => 0)).rejects.toThrow(
      `"e/wide.safetensors" has an embedding ${width! + 8} wide; "model" takes ${width}`,
    );
    const { remarks } = await withEmbeddings(files, 'e', (generator) => draw(generator, 'embedding:dot'));
    expect(remarks).toEqual([
      expect.stringMatching(/^An embedding is left out: "e\/two.pt" .* it has 2 \([ab], [ab]\)/),
      `"model" takes embeddings ${width} wide: wide.safetensors is for another kind of model and is left out.`,
    ]);
  });

  it.each([
    ['several dimensions', [1, 2, 0], 'has the shape [1, 2, '],
    ['too many vectors', [76, 0], '1 to 75 vectors'],
  ] as const)('with %s are refused', async (_what, shape, said) => {
    const [width] = await widthsOf('sd1');
    const files = diskOf('sd1', { 'x.safetensors': embedding({ emb_params: [...shape.slice(0, -1), width!] }) });
    await expect(withEmbeddings(files, 'x.safetensors', () => 0)).rejects.toThrow(said);
  });

  it('are refused where prompts cannot name them, and where there are none', async () => {
    const [width] = await widthsOf('sd1');
    const files = diskOf('sd1', {
      'e/readme.md': new Uint8Array(1),
      'dot.safetensors': embedding({ emb_params: [1, width!] }),
    });
    await expect(withEmbeddings(files, 'dot.safetensors', () => 0, 'plain')).rejects.toThrow(
      'choose comfy or a1111 as the prompt style of Load generator',
    );
    await expect(withEmbeddings(files, 'e', () => 0)).rejects.toThrow('it holds readme.md');
  });

  it('of webui, diffusers and ComfyUI are read as data', async () => {
    const model = await loadGenerator(diskFiles, goldenFolder('tiny-sd15'), { reading: readings.comfy });
    const { context } = nodeContext({ files: diskFiles });
    const { generator } = await loadEmbeddings.run(
      { generator: model },
      { embeddings: `${goldenFolder('prompt-weights')}/embeddings` },
      context,
    );
    const own = generator as Generator;
    expect(own.unknownEmbeddings?.('embedding:red-dot embedding:one-vector embedding:single')).toEqual([]);
    expect(own.bytes).toBe(4 * 32 * (2 + 1 + 3));
    own.dispose();
    model.dispose();
  });
});
