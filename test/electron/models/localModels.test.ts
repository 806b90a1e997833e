import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { fileFolders } from '../../../electron/files/folders.ts';
import { listModels } from '../../../electron/models/localModels.ts';
import { writeSafetensors } from '../../../nodes/ml/weights/writeSafetensors.ts';

let folder = '';
afterEach(() => rm(folder, { recursive: true, force: true }));

it('finds models however they are sorted into folders of the models folder, and nothing in those of one model', async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-models-'));
  const lora = { dtype: 'F32' as const, shape: [1], values: Float32Array.of(0) };
  const pulled = { name: 'some/pulled', commit: 'c', endpoint: 'e', files: [{ path: 'model_index.json', size: 2 }] };
  const files: Record<string, string | Uint8Array> = {
    'top.ckpt': 'x',
    'checkpoints/sd15/a.safetensors': 'x',
    'loras/styles/ink.safetensors': writeSafetensors(new Map([['lora_unet_mid.lora_up.weight', lora]])),
    'diffusers/own/model_index.json': '{"_class_name": "StableDiffusionPipeline"}',
    'diffusers/own/unet/diffusion_pytorch_model.safetensors': 'x',
    'some/pulled/.pulled.json': JSON.stringify(pulled),
    'some/pulled/model_index.json': '{}',
    'notes/read me.txt': 'x',
    '.hidden/b.safetensors': 'x',
    'some/.other.pulling/model_index.json': '{}',
    '._top.ckpt': 'x',
    'a/b/c/d/e/too-deep.safetensors': 'x',
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  await symlink('.', join(folder, 'circle'));
  const models = await listModels({ ...fileFolders('.'), modelsFolder: folder });
  const brought = models.filter(({ from }) => from === 'models folder');
  expect(brought.map(({ path, kind }) => [path.slice(folder.length + 1), kind]).sort()).toEqual([
    ['checkpoints/sd15/a.safetensors', undefined],
    ['diffusers/own', 'generator'],
    ['loras/styles/ink.safetensors', 'lora'],
    ['top.ckpt', undefined],
  ]);
  expect(models.filter(({ from }) => from === 'pulled').map(({ name }) => name)).toEqual(['some/pulled']);
});
