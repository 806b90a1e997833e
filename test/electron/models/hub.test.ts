import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseFiles, findFiles } from '../../../electron/models/chooseFiles.ts';
import { type HubFile, type HubModel, openHubModel } from '../../../electron/models/hub.ts';
import { pullModel, readPullRecord } from '../../../electron/models/pullModel.ts';
import type { UserError } from '../../../nodes/errors.ts';
import { type HubServer, startHubServer } from '../../support/hubServer.ts';

const weights = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);
const config = new TextEncoder().encode('{"a":1}');
const NAME = 'someone/tiny';
const FILES = {
  'model_index.json': config,
  'unet/config.json': config,
  'unet/diffusion_pytorch_model.safetensors': weights,
  'unet/diffusion_pytorch_model.bin': weights,
};

let server: HubServer;
let models: string;
const hub = () => ({ endpoint: server.endpoint, retryDelay: 1 });
const forever = { signal: new AbortController().signal, emit: () => {} };

beforeEach(async () => {
  server = await startHubServer(NAME, FILES);
  models = await mkdtemp(join(tmpdir(), 'noiseloom-hub-'));
  server.behaviour.arrivesIn = models;
});
afterEach(async () => {
  await server.close();
  await rm(models, { recursive: true });
});

async function pull(options: Partial<Parameters<typeof pullModel>[4]> = {}, token?: string): Promise<string> {
  const access = token ? { ...hub(), token } : hub();
  const model = await openHubModel(access, NAME);
  return pullModel(access, model, chooseFiles(model), models, { ...forever, ...options });
}

describe('pullModel', () => {
  it('fetches only what is needed, through the redirect, and records it', async () => {
    const folder = await pull();
    expect(folder).toBe(join(models, NAME));
    expect((await readdir(folder, { recursive: true })).sort()).toEqual([
      '.pulled.json',
      'model_index.json',
      'unet',
      'unet/config.json',
      'unet/diffusion_pytorch_model.safetensors',
    ]);
    expect(Buffer.compare(await readFile(join(folder, 'unet/diffusion_pytorch_model.safetensors')), weights)).toBe(0);
    expect(await readPullRecord(folder)).toMatchObject({ name: NAME, files: { length: 3 } });
    expect(await readdir(join(models, 'someone'))).toEqual(['tiny']); // nothing else is left behind
  });

  it('downloads nothing twice', async () => {
    await pull();
    const before = server.log.length;
    await pull();
    expect(server.log.length).toBe(before);
  });

  it('goes on after a broken connection where it stopped', async () => {
    Object.assign(server.behaviour, { breakAfter: 70_000, breaks: 2 });
    const seen: number[] = [];
    const folder = await pull({ emit: ({ done }) => seen.push(done) });
    expect(Buffer.compare(await readFile(join(folder, 'unet/diffusion_pytorch_model.safetensors')), weights)).toBe(0);
    const ranges = server.log.filter((line) => line.includes('safetensors')).map((line) => line.split(' ')[1] ?? '');
    expect(ranges).toEqual(['whole', 'bytes=70000-', 'bytes=140000-']);
    for (const start of [70_000, 140_000]) expect(seen).toContain(14 + start);
    expect(seen.at(-1)).toBe(200_014);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it('goes on however often the connection breaks, as long as bytes come', async () => {
    Object.assign(server.behaviour, { breakAfter: 22_000, breaks: 8 });
    const folder = await pull();
    expect(Buffer.compare(await readFile(join(folder, 'unet/diffusion_pytorch_model.safetensors')), weights)).toBe(0);
    expect(server.behaviour.breaks).toBe(0);
  });

  it('goes on in a later call after an interruption', async () => {
    const stop = new AbortController();
    Object.assign(server.behaviour, { breakAfter: 70_000, breaks: 1 });
    let arrived = 0;
    const emit = ({ done }: { done: number }) => {
      arrived = done;
      if (done > 14) stop.abort(new Error('stopped'));
    };
    await expect(pull({ emit, signal: stop.signal })).rejects.toThrow('stopped');
    await expect(readdir(join(models, NAME))).rejects.toThrow(); // a half model is not to be found
    server.log.length = 0;
    await pull();
    expect(server.log).toEqual([`unet/diffusion_pytorch_model.safetensors bytes=${arrived - 14}- no token`]);
  });

  it('leaves a model to the process that pulls it already, and says which', async () => {
    let second: Promise<unknown> | undefined;
    const emit = () => {
      second ??= pull().catch((error: unknown) => error);
    };
    const folder = await pull({ emit });
    expect(await second).toMatchObject({
      code: 'PULL_RUNNING',
      message: expect.stringContaining(`process ${process.pid} `),
    });
    expect(Buffer.compare(await readFile(join(folder, 'unet/diffusion_pytorch_model.safetensors')), weights)).toBe(0);
    expect(await readdir(join(models, 'someone'))).toEqual(['tiny']);
    await pull();
  });

  it('starts anew where the server knows no ranges', async () => {
    Object.assign(server.behaviour, { breakAfter: 70_000, breaks: 1, ignoreRanges: true });
    const folder = await pull();
    expect(Buffer.compare(await readFile(join(folder, 'unet/diffusion_pytorch_model.safetensors')), weights)).toBe(0);
  });

  it('gives up when no new byte comes', async () => {
    Object.assign(server.behaviour, { breakAfter: 0, breaks: 1e9 });
    await expect(pull()).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
  });

  it.each(['unet/diffusion_pytorch_model.safetensors', 'unet/config.json'])(
    'refuses %s with a wrong hash',
    async (path) => {
      const wrong = Uint8Array.from(FILES[path as keyof typeof FILES]);
      wrong[3] = 99;
      server.behaviour.swapped = { [path]: wrong };
      await expect(pull()).rejects.toMatchObject({ code: 'HASH_MISMATCH', message: expect.stringContaining(path) });
      await expect(readdir(join(models, NAME))).rejects.toThrow();
      server.behaviour.swapped = {};
      await pull();
    },
  );

  it('sends the token to the hub but not to the host it points to', async () => {
    server.behaviour.token = 'hf_secret';
    await pull({}, 'hf_secret');
    expect(server.log).toContain('unet/config.json whole Bearer hf_secret');
    expect(server.log).toContain('unet/diffusion_pytorch_model.safetensors whole no token');
  });
});

describe('openHubModel', () => {
  it.each([
    ['someone/other', {}, 'HUB_UNKNOWN', /has no model "someone\/other"/],
    ['not a name', {}, 'BAD_MODEL_NAME', /is no hub name/],
    ['../../etc', {}, 'BAD_MODEL_NAME', /is no hub name/],
    [NAME, { token: 'wrong' }, 'BAD_TOKEN', /does not start with "hf_"/],
  ])('explains %s %j', async (name, access, code, message) => {
    await expect(openHubModel({ ...hub(), ...access }, name)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('explains a locked door with and without a token', async () => {
    server.behaviour.token = 'hf_right';
    await expect(openHubModel(hub(), NAME)).rejects.toMatchObject({
      code: 'HUB_DENIED',
      message: expect.stringContaining('HF_TOKEN'),
    });
    await expect(openHubModel({ ...hub(), token: 'hf_wrong' }, NAME)).rejects.toThrow(/does not open it/);
  });

  it('names a revision that is not there, and a server that does not answer', async () => {
    await expect(openHubModel(hub(), NAME, 'v9')).rejects.toThrow(/with the revision "v9"/);
    await expect(openHubModel({ endpoint: 'http://127.0.0.1:1' }, NAME)).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
    });
  });
});

describe('what a hub says of a model', () => {
  const revision = `/api/models/${NAME}/revision/`;
  const tree = `/api/models/${NAME}/tree/`;
  const send = (text: string) => (response: ServerResponse) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  const refusal = async (answers: HubServer['behaviour']['answers'] & object) => {
    server.behaviour.answers = answers;
    const error = (await openHubModel(hub(), NAME).catch((error: unknown) => error)) as UserError;
    expect(error).toMatchObject({ code: 'HUB_ANSWER' });
    return error.message;
  };

  it.each([
    ['revision', revision],
    ['tree', tree],
  ])('is read up to a bound: an endless %s', async (_, path) => {
    let sent = 0;
    let closed: Promise<unknown> | undefined;
    const endless = (response: ServerResponse) => {
      closed = new Promise((done) => response.on('close', done));
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = () => {
        sent += 2 ** 20;
        if (!response.destroyed) response.write(' '.repeat(2 ** 20), more);
      };
      more();
    };
    expect(await refusal({ [path]: endless })).toContain('sends more than 67108864 bytes');
    await closed;
    expect(sent).toBeLessThan(2 ** 27);
  });

  it('is read up to a bound also in pages that lead to each other for ever', async () => {
    let asked = 0;
    const page = (response: ServerResponse, url: URL) => {
      url.searchParams.set('cursor', String(++asked));
      response.setHeader('link', `<${url.href}>; rel="next"`);
      send('[]')(response);
    };
    expect(await refusal({ [tree]: page })).toContain('goes on after 1000 answers');
    expect(asked).toBe(1000);
  });

  it.each([
    ['[[[[[[[[[[[[[[[[[[[[[[[', 'nests brackets 23 deep'],
    [`[${'{},'.repeat(1_000_001)}{}]`, 'values'],
    ['{"error": "none"}', 'sends another form than a hub'],
    ['<html>', 'no JSON came'],
    ['', 'no JSON came'],
    ['[{"type":"file","path":"a","size":-1,"oid":"c0ffee"}]', 'gives -1 as the size of "a"'],
    ['[{"type":"file","path":"a","size":1e300,"oid":"c0ffee"}]', 'gives 1e+300 as the size of "a"'],
    ['[{"type":"file","path":"a","size":1,"oid":"../../x"}]', 'gives "../../x" as the hash of "a"'],
    ['[{"type":"file","path":"a","size":1}]', 'gives "" as the hash of "a"'],
  ])('is refused in a sentence: %.40s', async (text, says) => {
    expect(await refusal({ [tree]: send(text) })).toContain(says);
  });

  it.each(['{}', '{"sha": "../../x"}', '{"sha": 5}', '[]', 'null'])('has a commit, unlike %s', async (text) => {
    const message = await refusal({ [revision]: send(text) });
    expect(message).toMatch(/as a commit of|sends another form/);
  });

  it('names no file outside of its folder', async () => {
    for (const path of ['../x', '/x', 'a\\..\\b', 5, null]) {
      const entry = { type: 'file', path, size: 1, oid: 'c0ffee'.padEnd(40, '0') };
      server.behaviour.answers = { [tree]: send(JSON.stringify([entry])) };
      await expect(openHubModel(hub(), NAME)).rejects.toMatchObject({ code: 'BAD_MODEL' });
    }
  });
});

describe('chooseFiles', () => {
  const file = (path: string): HubFile => ({ path, size: 1, hash: '', hashKind: 'git' });
  const modelOf = (...paths: string[]): HubModel => ({ name: NAME, commit: '', files: paths.map(file) });
  const pipeline = modelOf(
    'README.md',
    'model_index.json',
    'sd_turbo.safetensors',
    'image.png',
    'scheduler/scheduler_config.json',
    'safety_checker/model.safetensors',
    'text_encoder/config.json',
    'text_encoder/model.safetensors',
    'text_encoder/model.fp16.safetensors',
    'text_encoder/pytorch_model.bin',
    'tokenizer/merges.txt',
    'tokenizer/vocab.json',
    'unet/config.json',
    'unet/diffusion_pytorch_model-00001-of-00002.safetensors',
    'unet/diffusion_pytorch_model-00002-of-00002.safetensors',
    'unet/diffusion_pytorch_model.safetensors.index.json',
    'unet/diffusion_pytorch_model.fp16.safetensors',
    'unet/diffusion_pytorch_model.non_ema.safetensors',
    'unet/model.onnx',
    'vae/config.json',
    'vae/diffusion_pytorch_model.bin',
    'vae/diffusion_flax_model.msgpack',
  );
  const paths = (model: HubModel, variant?: string) => chooseFiles(model, variant).map(({ path }) => path);
  const common = [
    'README.md',
    'model_index.json',
    'scheduler/scheduler_config.json',
    'text_encoder/config.json',
    'tokenizer/merges.txt',
    'tokenizer/vocab.json',
    'unet/config.json',
    'vae/config.json',
    'vae/diffusion_pytorch_model.bin',
  ];

  it('takes one set of weights a folder', () => {
    const weightFiles = [
      'text_encoder/model.safetensors',
      'unet/diffusion_pytorch_model-00001-of-00002.safetensors',
      'unet/diffusion_pytorch_model-00002-of-00002.safetensors',
      'unet/diffusion_pytorch_model.safetensors.index.json',
    ];
    expect(paths(pipeline).sort()).toEqual([...common, ...weightFiles].sort());
  });

  it('takes the variant where there is one', () => {
    const weightFiles = ['text_encoder/model.fp16.safetensors', 'unet/diffusion_pytorch_model.fp16.safetensors'];
    expect(paths(pipeline, 'fp16').sort()).toEqual([...common, ...weightFiles].sort());
  });

  it('takes the only variant there is, and models without a pipeline', () => {
    expect(paths(modelOf('config.json', 'model.fp16.safetensors', 'flax_model.msgpack'))).toEqual([
      'config.json',
      'model.fp16.safetensors',
    ]);
  });

  it('takes the weights of a LoRA by the names of diffusers and peft', () => {
    const lora = ['README.md', 'pytorch_lora_weights.safetensors'];
    expect(paths(modelOf(...lora, 'comfyui.safetensors', 'pytorch_lora_weights.bin'))).toEqual(lora);
    const peft = ['adapter_config.json', 'adapter_model.safetensors'];
    expect(paths(modelOf(...peft, 'training_args.bin'))).toEqual(peft);
  });

  it('lists the candidates where none is the obvious one', () => {
    const odd = modelOf('HPS_v2_compressed.pt', 'HPS_v2.1_compressed.pt');
    expect(() => chooseFiles(odd)).toThrow(/--file among: HPS_v2_compressed.pt, HPS_v2.1_compressed.pt/);
    expect(findFiles(odd, ['HPS_v2.1_compressed.pt'])).toHaveLength(1);
    expect(() => findFiles(odd, ['x.pt'])).toThrow(/has no file "x.pt"/);
    expect(() => chooseFiles(modelOf('README.md'))).toThrow(/at all/);
  });
});
