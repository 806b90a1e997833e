import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFiles } from '../../../electron/files/files.ts';
import { fileFolders } from '../../../electron/files/folders.ts';
import { anywhere } from '../../../electron/files/paths.ts';
import { kindByName, knownModels } from '../../../electron/models/knownModels.ts';
import { listModels } from '../../../electron/models/localModels.ts';
import { recogniseModel } from '../../../electron/models/recogniseModel.ts';
import { library } from '../../../nodes/index.ts';
import { writeSafetensors } from '../../../nodes/ml/weights/writeSafetensors.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';

const json = (value: object) => JSON.stringify(value);

/** A file of safetensors with tensors of these names. */
function weights(...names: string[]): Uint8Array {
  return writeSafetensors(
    new Map(names.map((name) => [name, { dtype: 'F32' as const, shape: [1], values: Float32Array.of(0) }])),
  );
}

describe('what a model on the disk is', () => {
  it('is known of every built-in model', async () => {
    const folders = fileFolders('.', anywhere);
    const files = openFiles(folders);
    const names = readdirSync(folders.builtinFolder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
    const kinds = await Promise.all(
      names.map(async (name) => {
        const { kind } = await recogniseModel(files, join(folders.builtinFolder, name));
        return [name, kindByName(`builtin:${name}`) ?? kind];
      }),
    );
    expect(Object.fromEntries(kinds)).toEqual({
      world: 'generator',
      'world-one-step': 'generator',
      'world-controlnet': 'controlnet',
      'world-clip': 'clip',
      'world-preference': 'pick-score',
      'world-aesthetic': 'aesthetic',
      'world-depth': 'depth',
      'world-segmentation': 'segmentation',
    });
    const listed = await listModels(folders);
    const world = listed.find(({ name }) => name === 'builtin:world');
    expect(world).toMatchObject({ kind: 'generator', steps: 20, from: 'built in' });
    expect(world?.bytes).toBeGreaterThan(1e6);
  });

  it('is told by the configs of folders', async () => {
    const files = memoryFiles({
      'xl/model_index.json': json({ _class_name: 'StableDiffusionXLPipeline' }),
      'xl/unet/config.json': json({ cross_attention_dim: 2048 }),
      'net/config.json': json({ _class_name: 'ControlNetModel', cross_attention_dim: 768 }),
      'tiny/config.json': json({ _class_name: 'AutoencoderTiny' }),
      'clip/config.json': json({ model_type: 'clip', vision_config: { hidden_size: 1280 } }),
      'words/config.json': json({ model_type: 'gpt2' }),
      'lora/pytorch_lora_weights.safetensors': '',
      'hps/HPS_v2.1_compressed.pt': '',
      'ir/ImageReward.pt': '',
      'odd/config.json': json({ model_type: 'llama' }),
      'broken/config.json': '{',
    });
    const told = async (path: string) => recogniseModel(files, path);
    expect(await told('xl')).toEqual({ kind: 'generator', family: 'SDXL' });
    expect(await told('net')).toEqual({ kind: 'controlnet', family: 'SD 1' });
    expect(await told('tiny')).toEqual({ kind: 'decoder', family: 'AutoencoderTiny' });
    expect(await told('clip')).toEqual({ kind: 'clip', family: 'ViT-H/14' });
    expect(await told('words')).toMatchObject({ kind: 'language' });
    expect(await told('lora')).toEqual({ kind: 'lora' });
    expect(await told('hps')).toMatchObject({ kind: 'hps' });
    expect(await told('ir')).toMatchObject({ kind: 'image-reward' });
    for (const path of ['odd', 'broken', 'nowhere']) expect(await told(path), path).toEqual({});
  });

  it('is told by the names of the tensors of a file', async () => {
    const files = memoryFiles({
      'one.safetensors': weights('model.diffusion_model.a', 'first_stage_model.b', 'cond_stage_model.transformer.c'),
      'xl.safetensors': weights('model.diffusion_model.a', 'first_stage_model.b', 'conditioner.embedders.1.model.c'),
      'net.safetensors': weights('control_model.zero_convs.0.0.weight'),
      'lora.safetensors': weights('lora_unet_mid.lora_up.weight'),
      'head.safetensors': weights('layers.0.weight', 'layers.0.bias'),
      'vae.safetensors': weights('decoder.conv_in.weight'),
      'clip.safetensors': weights('visual.conv1.weight'),
      'other.safetensors': weights('a'),
    });
    const kindOf = async (name: string) => (await recogniseModel(files, `${name}.safetensors`)).kind;
    expect(await recogniseModel(files, 'one.safetensors')).toEqual({ kind: 'generator', family: 'SD 1' });
    expect(await recogniseModel(files, 'xl.safetensors')).toEqual({ kind: 'generator', family: 'SDXL' });
    expect(await Promise.all(['net', 'lora', 'head', 'vae', 'clip', 'other'].map(kindOf))).toEqual([
      'controlnet',
      'lora',
      'aesthetic',
      'decoder',
      'clip',
      undefined,
    ]);
  });
});

describe('the models that are known by name', () => {
  it('are named once, each with a size, and are of a kind that some node takes', () => {
    const taken = new Set(
      [...library.values()].flatMap(({ params }) =>
        Object.values(params).flatMap((param) => (param.kind === 'model' ? [param.takes] : [])),
      ),
    );
    expect(new Set(knownModels.map(({ name }) => name)).size).toBe(knownModels.length);
    for (const { name, kind, bytes } of knownModels) {
      expect(taken, name).toContain(kind);
      expect(bytes, name).toBeGreaterThan(1e6);
    }
  });
});
