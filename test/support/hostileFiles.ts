import { gzipSync, zipSync, zlibSync } from 'fflate';
import { encodePng } from '../../nodes/ml/image/encodePng.ts';
import { addPngText } from '../../nodes/ml/image/pngText.ts';
import {
  bytesOf,
  call,
  dictionary,
  get,
  global,
  int,
  list,
  type Pickle,
  put,
  storage,
  tensor,
  text,
  torchFile,
  tuple,
} from './pickle.ts';

export interface HostileFile {
  /** Of a reader of `readStranger.ts`. */
  readonly kind: 'checkpoint' | 'graph' | 'tokenizer' | 'merges' | 'config' | 'image';
  /** For a folder, what lies in it. */
  readonly content: string | Uint8Array | Readonly<Record<string, string | Uint8Array>>;
  /** The ending of its name. */
  readonly ending: string;
  /** What is said of it, or `read` where it is harmless. */
  readonly says: RegExp | 'read';
}

const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const checkpoint = (pickle: Pickle, says: HostileFile['says']): HostileFile => ({
  ...{ kind: 'checkpoint', ending: '.pt', content: torchFile(pickle), says },
});

/** A header, and data of four bytes. */
function safetensors(header: string, says: HostileFile['says']): HostileFile {
  const bytes = new TextEncoder().encode(header);
  const content = new Uint8Array(8 + bytes.length + 4);
  new DataView(content.buffer).setBigUint64(0, BigInt(bytes.length), true);
  content.set(bytes, 8);
  return { kind: 'checkpoint', ending: '.safetensors', content, says };
}
const entry = (field: 'dtype' | 'shape' | 'data_offsets', value: string) => {
  const fields = { dtype: '"F32"', shape: '[1]', data_offsets: '[0,4]', [field]: value };
  return `{"a":{${Object.entries(fields)
    .map(([name, each]) => `"${name}":${each}`)
    .join(',')}}}`;
};

/** A PNG of one pixel with more chunks of text before its end: [type, content]. */
function png(
  chunks: readonly (readonly [type: string, content: Uint8Array])[],
  size: readonly [number, number] = [1, 1],
) {
  const image = encodePng({ width: 1, height: 1, rgb: Uint8Array.of(1, 2, 3) });
  new DataView(image.buffer).setUint32(16, size[0]);
  new DataView(image.buffer).setUint32(20, size[1]);
  const end = image.length - 12;
  const length = chunks.reduce((sum, [, content]) => sum + 12 + content.length, 0);
  const whole = new Uint8Array(image.length + length);
  whole.set(image.subarray(0, end));
  let at = end;
  for (const [type, content] of chunks) {
    new DataView(whole.buffer).setUint32(at, content.length);
    whole.set(new TextEncoder().encode(type), at + 4);
    whole.set(content, at + 8);
    at += 12 + content.length;
  }
  whole.set(image.subarray(end), at);
  return whole;
}
const joined = (head: string, tail: Uint8Array) => {
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(Uint8Array.from(head, (letter) => letter.charCodeAt(0)));
  bytes.set(tail, head.length);
  return bytes;
};

function pickles(): Readonly<Record<string, HostileFile>> {
  const doubled = `]${put(0)}${Array.from({ length: 40 }, (_, i) => `0${list(get(i), get(i))}${put(i + 1)}`).join('')}`;
  const kept = (value: Pickle, slot: number) => `${value}${put(slot)}0`;
  const ones = tuple('K\x01'.repeat(300_000));
  const rebuild = call(get(2), get(1), 'K\x00', get(3), get(3));
  const legacy = [
    '\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19',
    'M\xe9\x03',
    dictionary(text('little_endian'), '\x88'),
    '}',
    `${doubled}0${list(get(40))}`,
  ];
  const legacyFile = Buffer.concat(legacy.map(bytesOf));
  const pairs = kept(tuple(...Array.from({ length: 50_000 }, (_, i) => `${int(i)}N\x86`)), 0);
  const long = kept(text('a'.repeat(100_000)), 0);
  return {
    'a doubled list as values': checkpoint(doubled, /nested without end/),
    'a doubled list in a shape': checkpoint(`${doubled}0${tensor(tuple(get(40)))}`, /impossible shape \[\[\[\[…/),
    'a doubled list as storage keys': {
      kind: 'checkpoint',
      ending: '.pt',
      content: legacyFile,
      says: /storage \[.*is missing/,
    },
    'a doubled list as the callee': checkpoint(`${doubled}0${get(40)})R`, /cannot be called/),
    'a shared shape of 300,000 dimensions': checkpoint(
      `${kept(storage, 1)}${kept(global('torch._utils', '_rebuild_tensor_v2'), 2)}${kept(ones, 3)}${list(rebuild.repeat(3000))}`,
      /impossible shape/,
    ),
    'a dictionary of shared pairs': checkpoint(
      `${pairs}${kept(global('collections', 'OrderedDict'), 1)}${list(`${get(1)}${get(0)}\x85R`.repeat(2000))}`,
      /unfolds to far more/,
    ),
    'a long name over many values': checkpoint(`}${text('a'.repeat(1_000_000))}${list('N'.repeat(20_000))}s`, 'read'),
    'long names within each other': checkpoint(
      `${long}${`}${get(0)}`.repeat(60)}${list('N'.repeat(2000))}${'s'.repeat(60)}`,
      'read',
    ),
    'long names of one tensor': checkpoint(
      `${kept(text('a'.repeat(900)), 0)}${kept(tensor(), 1)}}${get(0)}${list(get(1).repeat(200_000))}s`,
      /letters than weights need/,
    ),
    'lists within each other': checkpoint(']'.repeat(500_000) + 'a'.repeat(499_999), /nested without end|unfolds/),
    'tuples around nothing': checkpoint('('.repeat(2_000_000) + 't'.repeat(2_000_000), /unfolds/),
    'millions of lists': checkpoint(']'.repeat(10_000_000), /unfolds/),
    'millions of dictionaries': checkpoint('}'.repeat(10_000_000), /unfolds/),
    'millions of memories': checkpoint(
      `N${Array.from({ length: 1_500_000 }, (_, i) => put(i * 7919)).join('')}`,
      'read',
    ),
    'a pickle too long': checkpoint('N'.repeat(20_000_000), /at most 16777216 are read/),
    'a class of a long name': checkpoint(global('a'.repeat(10_000_000), 'b'), /object of the class "a+…/),
    'integers of 255 bytes': checkpoint(list(`\x8a\xff${'\x7f'.repeat(255)}`.repeat(20_000)), 'read'),
    'a function as a key': checkpoint(`}${global('collections', 'OrderedDict')}Ns`, /no names/),
    'a function as a value': checkpoint(`}${text('a')}${global('collections', 'OrderedDict')}s`, /neither a tensor/),
    'a program': checkpoint(`${global('posix', 'system')}${text('touch PWNED')}\x85R`, /may be harmful/),
    'one storage as thousands of tensors': checkpoint(
      `${kept(tensor(tuple(int(300)), tuple(int(0))), 0)}${list(get(0).repeat(9000))}`,
      /eight times/,
    ),
    'a directory of many entries': {
      kind: 'checkpoint',
      ending: '.pt',
      says: 'read',
      content: zipSync(
        {
          'a/data.pkl': bytesOf('}'),
          ...Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`a/data/${i}`, new Uint8Array()])),
        },
        { level: 0 },
      ),
    },
    'a packed pickle': {
      kind: 'checkpoint',
      ending: '.pt',
      says: /compressed/,
      content: zipSync({ 'a/data.pkl': new Uint8Array(50_000_000) }, { level: 1 }),
    },
    'a long byte order': {
      kind: 'checkpoint',
      ending: '.pt',
      says: /byte order/,
      content: zipSync({ 'a/data.pkl': bytesOf('}'), 'a/byteorder': new Uint8Array(50_000_000) }, { level: 0 }),
    },
  };
}

function headers(): Readonly<Record<string, HostileFile>> {
  const many = Array.from({ length: 400_000 }, (_, i) => `"${i}":{"dtype":"U8","shape":[],"data_offsets":[0,0]}`);
  return {
    'a deep shape': safetensors(entry('shape', deep(200_000)), /nest 200002 deep/),
    'a deep dtype': safetensors(entry('dtype', deep(200_000)), /nest 200002 deep/),
    'deep offsets': safetensors(entry('data_offsets', deep(200_000)), /nest 200002 deep/),
    'deep objects': safetensors(`${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`, /nest 200000 deep/),
    'a long dtype': safetensors(entry('dtype', `"${'z'.repeat(20_000_000)}"`), /unknown dtype "z+…"/),
    'a long name': safetensors(
      `{"${'\\n'.repeat(10_000_000)}":{"dtype":"?","shape":[1],"data_offsets":[0,4]}}`,
      /"(\\n)+…" has the unknown/,
    ),
    'a rank of a million': safetensors(
      entry('shape', `[${'1,'.repeat(1_000_000)}1]`),
      /impossible shape \[1,1,1,1,1,1,1,1,…\]/,
    ),
    'a rank of nine': safetensors(entry('shape', '[1,1,1,1,1,1,1,1,1]'), /impossible shape/),
    'many tensors': safetensors(`{${many.join(',')}}`, /values, and at most 2000000 are read/),
    'a header too long': safetensors(`{"a":"${'z'.repeat(40_000_000)}"}`, /at most 33554432 are read/),
    'a prototype': safetensors('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 'read'),
  };
}

function texts(): Readonly<Record<string, HostileFile>> {
  const vocab = '{"a</w>":0,"<|startoftext|>":1,"<|endoftext|>":2}';
  const tokenizer = (content: Readonly<Record<string, string | Uint8Array>>, says: RegExp): HostileFile => ({
    ...{ kind: 'tokenizer', ending: '', content, says },
  });
  const model = (merges: string) => `{"model":{"type":"BPE","vocab":${vocab},"merges":${merges}}}`;
  const config = (content: string, says: RegExp): HostileFile => ({
    ...{ kind: 'config', ending: '', content: { 'config.json': content }, says },
  });
  const index = (content: string, says: RegExp): HostileFile => ({
    kind: 'checkpoint',
    ending: '.index.json',
    content,
    says,
  });
  const graph = (content: string | Uint8Array, says: RegExp): HostileFile => ({
    kind: 'graph',
    ending: '.json',
    content,
    says,
  });
  return {
    'a deep index': index(`{"weight_map":{"a":${deep(200_000)}}}`, /nest 200002 deep/),
    'an index of many files': index(
      `{"weight_map":{${Array.from({ length: 600_000 }, (_, i) => `"${i}":"a"`).join(',')}}}`,
      /values, and at most/,
    ),
    'an index too long': index(' '.repeat(20_000_000), /at most 16777216 are read/),
    'a deep config': config(`{"a":${deep(100_000)}}`, /nest 100001 deep/),
    'a config too long': config(`{"a":"${'x'.repeat(5_000_000)}"}`, /at most 4194304 are read/),
    'a config of many values': config(`[${'1,'.repeat(1_000_000)}1]`, /1000002 values, and at most 500000/),
    'control characters in a config': config('\u001b]0;x\u0007', /is not valid JSON: \P{Cc}*$/u),
    'a deep vocabulary': tokenizer({ 'vocab.json': deep(100_000), 'merges.txt': '' }, /nest 100000 deep/),
    'a deep merge': tokenizer({ 'tokenizer.json': model(`[${deep(60)}]`) }, /one of its merges is \[\[\[/),
    'an object as a merge': tokenizer({ 'tokenizer.json': model('[{"a":1}]') }, /one of its merges is \{"a":1\}/),
    'a type of many values': tokenizer(
      { 'tokenizer.json': `{"model":{"type":[${'1,'.repeat(500_000)}1],"merges":[]}}` },
      /is of type \[1,1,1,1,1,1,1,1,…\]/,
    ),
    'a token of a huge number': tokenizer({ 'vocab.json': '{"a":4000000000}', 'merges.txt': '' }, /not a table/),
    'merges too long': tokenizer(
      { 'vocab.json': vocab, 'merges.txt': '\n'.repeat(17_000_000) },
      /at most 16777216 are read/,
    ),
    'merges that unpack to much more': {
      kind: 'merges',
      ending: '.gz',
      says: /unpacks to more than 16777216/,
      content: gzipSync(new Uint8Array(100_000_000), { level: 1 }),
    },
    'merges that claim 4 GB': {
      kind: 'merges',
      ending: '.gz',
      says: 'read',
      content: gzipSync(new TextEncoder().encode('#version\na b\n')).fill(0xff, -4),
    },
    'a deep graph': graph(`{"a":${deep(100_000)}}`, /brackets more than 64 deep/),
    'a graph of many values': graph(`[${'[],'.repeat(12_000_000)}[]]`, /values; at most 10000000/),
    'a format of many values': graph(`{"format":[${'1,'.repeat(500_000)}1]}`, /its format is \[1,1,1,1,1,1,1,1,…\]/),
  };
}

function images(): Readonly<Record<string, HostileFile>> {
  const graph = (content: Uint8Array, says: RegExp): HostileFile => ({ kind: 'graph', ending: '.png', content, says });
  const image = (content: Uint8Array, says: RegExp): HostileFile => ({ kind: 'image', ending: '.png', content, says });
  const zeros = (bytes: number) => zlibSync(new Uint8Array(bytes), { level: 1 });
  const tiny = Array.from({ length: 1500 }, (_, i) => ['tEXt', joined(`${i}\0a`, new Uint8Array())] as const);
  return {
    'a text of 30 MB': graph(
      addPngText(png([]), { 'noiseloom-graph': 'x'.repeat(30_000_000) }),
      /not readable as JSON/,
    ),
    'a zTXt that unpacks to much more': graph(
      png([['zTXt', joined('noiseloom-graph\0\0', zeros(140_000_000))]]),
      /without a graph/,
    ),
    'an iTXt that unpacks to much more': graph(
      png([['iTXt', joined('noiseloom-graph\0\x01\0\0\0', zeros(140_000_000))]]),
      /without a graph/,
    ),
    'texts that unpack to much more together': graph(
      png(Array.from({ length: 8 }, (_, i) => ['zTXt', joined(`${i}\0\0`, zeros(20_000_000))] as const)),
      /without a graph/,
    ),
    'many texts': graph(png(tiny), /more than 1000 texts/),
    'many empty chunks': graph(
      png(Array.from({ length: 1_000_000 }, () => ['abCd', new Uint8Array()] as const)),
      /without a graph/,
    ),
    'a PNG of 4,000,000,000,000 pixels': image(
      png([], [2_000_000, 2_000_000]),
      /2000000x2000000 has 4000000000000 pixels; at most 67108864/,
    ),
    'a PNG of one row too long': image(png([], [67_108_865, 1]), /67108865x1 has 67108865 pixels; at most 67108864/),
  };
}

/** Files that are small and would cost much, of every kind that is read. */
export const hostileFiles = () => ({ ...pickles(), ...headers(), ...texts(), ...images() });
