import type { RandomStream } from '../../nodes/ml/random.ts';

/** A copy of the bytes with one to four changes of the kinds that break readers. */
export function mutateBytes(bytes: Uint8Array, random: RandomStream): Uint8Array {
  let changed: Uint8Array = bytes.slice();
  for (let i = 1 + random.integer(4); i > 0; i--) {
    changed = byteChanges[random.integer(byteChanges.length)]!(changed, random);
  }
  return changed;
}

type ByteChange = (bytes: Uint8Array, random: RandomStream) => Uint8Array;

const byteChanges: readonly ByteChange[] = [
  // a bit
  (bytes, random) => {
    if (bytes.length > 0) bytes[place(bytes, random)]! ^= 1 << random.integer(8);
    return bytes;
  },
  // a byte of a kind that lengths and signs turn on
  (bytes, random) => {
    if (bytes.length > 0) bytes[place(bytes, random)] = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x7b][random.integer(7)]!;
    return bytes;
  },
  // a length of 4 or 8 bytes, huge
  (bytes, random) => {
    const at = place(bytes, random);
    return bytes.fill(0xff, at, at + (random.integer(2) ? 4 : 8));
  },
  // cut short
  (bytes, random) => bytes.slice(0, place(bytes, random)),
  // a piece left out
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    return joined(bytes.subarray(0, from), bytes.subarray(to));
  },
  // a piece twice
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    return joined(bytes.subarray(0, to), bytes.subarray(from));
  },
  // noise
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    for (let i = from; i < to; i++) bytes[i] = random.integer(256);
    return bytes;
  },
];

/** Near the front, where headers are, as often as anywhere. */
function place(bytes: Uint8Array, random: RandomStream): number {
  return random.integer(Math.max(1, random.integer(2) ? Math.min(bytes.length, 256) : bytes.length));
}

function span(bytes: Uint8Array, random: RandomStream): [number, number] {
  const from = place(bytes, random);
  return [from, Math.min(bytes.length, from + 1 + random.integer(64))];
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

/** JSON text whose values were changed one to four times: other types, other sizes, keys left out, added or renamed. */
export function mutateJson(text: string, random: RandomStream): string {
  const root = { value: JSON.parse(text) as unknown };
  for (let i = 1 + random.integer(4); i > 0; i--) changeSomewhere(root, random);
  return JSON.stringify(root.value)
    .replaceAll('"__huge__"', '1e999')
    .replaceAll('"__deep__"', `${'['.repeat(2000)}${']'.repeat(2000)}`);
}

/** Stand-ins that `mutateJson` turns into what JSON.stringify cannot write. */
const values: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  '__huge__',
  '__deep__',
  '',
  'x'.repeat(10_000),
  '../../etc/passwd',
  '\u0000',
  '\ud800',
  [],
  {},
  [[]],
  [null],
  { __proto__: { polluted: 1 } },
];
const keys: readonly string[] = ['__proto__', 'constructor', 'prototype', '', 'toString', '0', 'length'];

function changeSomewhere(root: { value: unknown }, random: RandomStream): void {
  let holder: Record<string, unknown> = root;
  let key = 'value';
  // Down a random path; two in three go on at each level.
  while (typeof holder[key] === 'object' && holder[key] !== null && random.integer(3) > 0) {
    const inner = holder[key] as Record<string, unknown>;
    const names = Object.keys(inner);
    if (names.length === 0) break;
    holder = inner;
    key = names[random.integer(names.length)]!;
  }
  const value = values[random.integer(values.length)];
  const kind = random.integer(5);
  if (kind === 0 && holder !== root) delete holder[key];
  else if (kind === 1 && !Array.isArray(holder)) define(holder, keys[random.integer(keys.length)]!, value);
  else if (kind === 2 && holder !== root && !Array.isArray(holder)) {
    define(holder, `${key}${random.integer(10)}`, holder[key]);
    delete holder[key];
  } else if (kind === 3 && typeof holder[key] === 'number')
    holder[key] = (holder[key] as number) * (random.integer(2) ? -1 : 1e6);
  else holder[key] = value;
  if (!('value' in root)) Object.assign(root, { value: null });
}

/** Like an assignment, but for `__proto__` too. */
function define(holder: object, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}
