import { UserError } from '../../errors.ts';

/** What a pickle may hold: plain values, lists and tuples as arrays, dictionaries as maps, and what `globals` makes. */
export type Pickled = null | boolean | number | bigint | string | Pickled[] | Map<Pickled, Pickled> | object;

/** The only things a pickle may name: `module.name` -> a plain value, or a pure function of a list of arguments. */
export type PickleGlobals = ReadonlyMap<string, Pickled | PickleFunction>;
export type PickleFunction = (args: Pickled[]) => Pickled;

export interface PickleReading {
  readonly globals: PickleGlobals;
  /** Makes the value that a persistent id stands for (torch: a storage). */
  persistentLoad(id: Pickled): Pickled;
}

/** Code of the error for a pickle whose bytes end before its STOP: more bytes might help. */
export const pickleCutOff = 'PICKLE_CUT_OFF';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const mark = Symbol('mark');
type Slot = Pickled | typeof mark;

/**
 * Reads one pickle of protocol 2 that starts at byte `start`. Nothing is run: a name that is not in `globals` is refused
 * where it stands, and a call can only reach those. Returns the value and the byte after the pickle.
 * Source: CPython Lib/pickletools.py, opcode table. Throws UserError `BAD_PICKLE` or `PICKLE_CUT_OFF`.
 */
export function unpickle(bytes: Uint8Array, start: number, reading: PickleReading): { value: Pickled; end: number } {
  const input = new PickleInput(bytes, start);
  const stack = new PickleStack();
  const memo = new Map<number, Pickled>();
  const recall = (slot: number) => {
    const value = memo.get(slot);
    if (value === undefined) throw badPickle(`it asks for memo ${slot}, which is empty`);
    stack.push(value);
  };
  for (;;) {
    const opcode = input.byte();
    switch (opcode) {
      case 0x80: // PROTO
        if (input.byte() > 2)
          throw badPickle('its protocol is newer than 2, which torch.save does not write by itself');
        break;
      case 0x2e: // STOP
        return { value: stack.pop(), end: input.position };
      case 0x28: // MARK
        stack.pushMark();
        break;
      case 0x30: // POP
        stack.pop();
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4a: // BININT
        stack.push(input.int32());
        break;
      case 0x4b: // BININT1
        stack.push(input.byte());
        break;
      case 0x4d: // BININT2
        stack.push(input.uint16());
        break;
      case 0x8a: // LONG1
        stack.push(input.long(input.byte()));
        break;
      case 0x47: // BINFLOAT
        stack.push(input.float64());
        break;
      case 0x54: // BINSTRING
      case 0x58: // BINUNICODE
        stack.push(input.text(input.uint32()));
        break;
      case 0x55: // SHORT_BINSTRING
        stack.push(input.text(input.byte()));
        break;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        stack.push([]);
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(new Map());
        break;
      case 0x61: // APPEND
        appendAll(stack.popMany(1), stack.top());
        break;
      case 0x65: // APPENDS
        appendAll(stack.popToMark(), stack.top());
        break;
      case 0x73: // SETITEM
        setAll(stack.popMany(2), stack.top());
        break;
      case 0x75: // SETITEMS
        setAll(stack.popToMark(), stack.top());
        break;
      case 0x74: // TUPLE
        stack.push(stack.popToMark());
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        stack.push(stack.popMany(opcode - 0x84));
        break;
      case 0x71: // BINPUT
        memo.set(input.byte(), stack.top());
        break;
      case 0x72: // LONG_BINPUT
        memo.set(input.uint32(), stack.top());
        break;
      case 0x68: // BINGET
        recall(input.byte());
        break;
      case 0x6a: // LONG_BINGET
        recall(input.uint32());
        break;
      case 0x63: // GLOBAL
        stack.push(allowedGlobal(`${input.line()}.${input.line()}`, reading.globals));
        break;
      case 0x52: // REDUCE
        stack.push(call(stack.popMany(2)));
        break;
      case 0x62: // BUILD: only OrderedDict has state here (torch keeps versions in it), and nobody needs it
        stack.pop();
        if (!(stack.top() instanceof Map)) throw badPickle('it sets the attributes of an object');
        break;
      case 0x51: // BINPERSID
        stack.push(reading.persistentLoad(stack.pop()));
        break;
      default:
        throw badPickle(`it uses opcode 0x${opcode.toString(16)}, which no weights need`);
    }
  }
}

/** The error for a pickle that is wrong; `reason` goes on from "the pickle is not usable: ". */
export function badPickle(reason: string): UserError {
  return new UserError('BAD_PICKLE', reason);
}

class PickleStack {
  private readonly slots: Slot[] = [];

  push(value: Pickled): void {
    this.slots.push(value);
  }
  pushMark(): void {
    this.slots.push(mark);
  }
  pop(): Pickled {
    return this.popMany(1)[0] as Pickled;
  }
  popMany(count: number): Pickled[] {
    const values = this.slots.splice(Math.max(0, this.slots.length - count));
    if (values.length < count || values.includes(mark)) throw badPickle('it takes a value from an empty stack');
    return values as Pickled[];
  }
  popToMark(): Pickled[] {
    const at = this.slots.lastIndexOf(mark);
    if (at < 0) throw badPickle('it goes back to a mark that is not there');
    return this.slots.splice(at).slice(1) as Pickled[];
  }
  top(): Pickled {
    const value = this.slots.at(-1);
    if (value === undefined || value === mark) throw badPickle('it takes a value from an empty stack');
    return value;
  }
}

class PickleInput {
  private readonly view: DataView;
  position: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.position = start;
  }
  /** Moves on by `count` bytes and returns where they start. */
  private take(count: number): number {
    const at = this.position;
    if (at + count > this.bytes.length) throw new UserError(pickleCutOff, 'it ends in the middle');
    this.position += count;
    return at;
  }
  byte(): number {
    return this.view.getUint8(this.take(1));
  }
  uint16(): number {
    return this.view.getUint16(this.take(2), true);
  }
  int32(): number {
    return this.view.getInt32(this.take(4), true);
  }
  uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  float64(): number {
    return this.view.getFloat64(this.take(8), false);
  }
  /** A little-endian two's complement integer of `count` bytes: a number where that is exact, else a bigint. */
  long(count: number): number | bigint {
    const at = this.take(count);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.view.getUint8(at + i));
    value = BigInt.asIntN(8 * count, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  text(length: number): string {
    const at = this.take(length);
    return utf8.decode(this.bytes.subarray(at, at + length));
  }
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    const text = this.text((end < 0 ? this.bytes.length + 1 : end) - this.position);
    this.take(1);
    return text;
  }
}

function appendAll(values: Pickled[], list: Pickled): void {
  if (!Array.isArray(list)) throw badPickle('it appends to something that is no list');
  for (const value of values) list.push(value);
}

function setAll(values: Pickled[], dictionary: Pickled): void {
  if (!(dictionary instanceof Map) || values.length % 2 !== 0)
    throw badPickle('it sets an item of something that is no dictionary');
  for (let i = 0; i < values.length; i += 2) dictionary.set(values[i] as Pickled, values[i + 1] as Pickled);
}

function allowedGlobal(name: string, globals: PickleGlobals): Pickled {
  const global = globals.get(name);
  if (!global)
    throw badPickle(`it names "${name.slice(0, 80)}", which no weights need; it may be harmful, so nothing was read`);
  return global;
}

/** The only functions on the stack are those of `globals`: nothing else makes one. */
function call([callee, args]: Pickled[]): Pickled {
  if (typeof callee !== 'function' || !Array.isArray(args)) throw badPickle('it calls something that cannot be called');
  return (callee as PickleFunction)(args);
}
