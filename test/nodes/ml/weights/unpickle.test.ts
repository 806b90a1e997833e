import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../../nodes/ml/weights/checkpoint.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';
import {
  call,
  dictionary,
  get,
  global,
  int,
  list,
  type Pickle,
  put,
  tensor,
  text,
  torchFile,
  tuple,
} from '../../../support/pickle.ts';

const open = (pickle: Pickle): Promise<Checkpoint> =>
  openCheckpoint(memoryFiles({ 'a.ckpt': torchFile(pickle) }), 'a.ckpt');
const reasonOf = async (pickle: Pickle): Promise<string> => {
  const error: unknown = await open(pickle).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'UserError', code: 'BAD_CHECKPOINT' });
  return (error as Error).message;
};
const weights = dictionary(text('weight'), tensor());
const callback = global('pytorch_lightning.callbacks.model_checkpoint', 'ModelCheckpoint');

describe('objects of unknown classes', () => {
  it.each<[name: string, beside: Pickle]>([
    ['a class as a value', dictionary(text('a'), callback)],
    ['a class as a key, as Lightning writes it', dictionary(callback, dictionary(text('monitor'), text('val/loss')))],
    ['a call', call(callback, int(1), list(int(2)))],
    ['an object with a state', `${callback})\x81${dictionary(text('best'), tensor())}b`],
    [
      'a numpy scalar',
      call(
        global('numpy.core.multiarray', 'scalar'),
        `${call(global('numpy', 'dtype'), text('f8'))}${tuple(int(3), text('<'))}b`,
        call(global('_codecs', 'encode'), text('x'), text('latin1')),
      ),
    ],
    ['a namespace', `${global('argparse', 'Namespace')})\x81${dictionary(text('lr'), int(1))}b`],
    ['a set', call(global('__builtin__', 'set'), list(int(1)))],
    [
      'a list and a dictionary of their own classes',
      `${call(callback)}(${int(1)}e${call(callback)}(${text('a')}${int(1)}u\x86`,
    ],
    ['prototypes', dictionary(text('__proto__'), `${global('__proto__', 'constructor')})R`)],
  ])('beside the weights are not built, and the weights are read: %s', async (_name, beside) => {
    const checkpoint = await open(dictionary(text('state_dict'), weights, text('beside'), beside));
    expect(checkpoint.names()).toEqual(['state_dict/weight']);
    expect([...(await checkpoint.read('state_dict/weight'))]).toEqual([1]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('are named where a tensor is wanted', async () => {
    const checkpoint = await open(dictionary(text('weight'), call(callback), text('bias'), tensor()));
    expect(checkpoint.names()).toEqual(['bias']);
    expect(checkpoint.has('weight')).toBe(true);
    const message =
      '"a.ckpt" is not a usable checkpoint: "weight" is an object of the class "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint", and a tensor is needed.';
    expect(() => checkpoint.entry('weight')).toThrow(message);
    await expect(checkpoint.read('weight')).rejects.toThrow(message);
    expect(await reasonOf(call(global('models', 'Net')))).toContain('it is an object of the class "models.Net"');
    expect(await reasonOf(tensor(tuple(int(1)), tuple(int(1)), call(global('a', 'Storage'))))).toContain('"a.Storage"');
  });

  it('are refused where they make tensors in a way that is not read, or programs', async () => {
    const quantized = call(global('torch._utils', '_rebuild_qtensor'), int(1));
    expect(await reasonOf(dictionary(text('a'), tensor(), text('b'), quantized))).toContain(
      'it names "torch._utils._rebuild_qtensor", a kind of tensor that is not read',
    );
    const typed = call(global('torch._tensor', '_rebuild_from_type_v2'), int(1));
    expect(await reasonOf(dictionary(text('a'), typed))).toContain('"torch._tensor._rebuild_from_type_v2"');
    const program = call(global('posix', 'system'), text('true'));
    expect(await reasonOf(dictionary(text('a'), tensor(), text('b'), program))).toContain('it may be harmful');
    expect(await reasonOf(call(int(1)))).toContain('it calls something that cannot be called');
  });
});

describe('a pickle that unfolds', () => {
  /** A list of two of the same list, 40 times: 2^40 values in 700 bytes. */
  const doubled = `]${put(0)}${Array.from({ length: 40 }, (_, i) => `0${list(get(i), get(i))}${put(i + 1)}`).join('')}`;
  const shared = (value: Pickle, slot: number) => `${value}${put(slot)}0`;
  const tooMany = /unfolds to far more values than weights need/;

  it('is refused by its values, its names and its tensors', async () => {
    expect(await reasonOf(doubled)).toContain('nested without end');
    expect(await reasonOf(`]${put(0)}${get(0)}a`)).toContain('nested without end');
    expect(await reasonOf(']'.repeat(2_000_000))).toMatch(tooMany);
    expect(await reasonOf('}'.repeat(500_000))).toMatch(tooMany);
    const pairs = shared(tuple(...Array.from({ length: 10_000 }, (_, i) => `${int(i)}N\x86`)), 0);
    const ordered = shared(global('collections', 'OrderedDict'), 1);
    expect(await reasonOf(`${pairs}${ordered}${list(`${get(1)}${get(0)}\x85R`.repeat(200))}`)).toMatch(tooMany);
    const bySharing = `${shared(tensor(), 0)}${list(get(0).repeat(300_000))}`;
    expect(await reasonOf(dictionary(text('a'.repeat(990)), bySharing))).toContain('letters than weights need');
    expect(await reasonOf(dictionary(text('a'.repeat(1_001)), tensor()))).toContain('a name of 1001 letters');
    const large = tensor(tuple(int(300)), tuple(int(0)));
    expect(await reasonOf(`${shared(large, 0)}${list(get(0).repeat(5_000))}`)).toContain('more than eight times');
  });

  it('is quoted in few letters and steps', async () => {
    const inShape = await reasonOf(`${doubled}0${tensor(tuple(get(40)))}`);
    expect(inShape).toContain('impossible shape [[[[…],[…]],[[…],[…]]]].');
    const ones = tuple(int(1).repeat(1_000));
    expect(await reasonOf(tensor(ones, ones))).toContain('impossible shape [1,1,1,1,1,1,1,1,…].');
    expect((await reasonOf(tensor(tuple(text('x'.repeat(100_000)))))).length).toBeLessThan(400);
    const deep = `${']'.repeat(20_000)}${'a'.repeat(19_999)}`;
    expect(await reasonOf(tensor(deep, tuple(int(1))))).toContain('impossible shape [[[[…]]]].');
    expect((await reasonOf(global('a'.repeat(100_000), 'b'))).length).toBeLessThan(400);
  });

  it('has no functions and no values as keys', async () => {
    const ordered = global('collections', 'OrderedDict');
    for (const key of [ordered, list(), dictionary(), tensor()])
      expect(await reasonOf(dictionary(key, int(1)))).toContain('keys that are no names');
    expect(await reasonOf(dictionary(text('a'), ordered))).toContain('"a" is neither a tensor nor a plain value');
    expect(
      await reasonOf(dictionary(text('a'), tensor(), text('a/'), int(1), int(1), int(1), text('1'), int(1))),
    ).toContain('the name "1" occurs twice');
  });

  it('keeps the plain values of a long list out of its metadata, and no more', async () => {
    const numbers = list('K\x01'.repeat(50_000));
    const checkpoint = await open(dictionary(text('weight'), tensor(), text('step'), int(7), text('order'), numbers));
    expect(checkpoint.names()).toEqual(['weight']);
    expect(checkpoint.metadata.get('step')).toBe(7);
    expect(checkpoint.metadata.size).toBe(10_000);
  });
});
