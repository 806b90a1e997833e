import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { PickleInput } from './pickleInput.ts';

/**
 * What a pickle may hold: plain values, lists and tuples as arrays, dictionaries as maps, what `globals` makes, and an
 * `Opaque` for everything else.
 */
export type Pickled = null | boolean | number | bigint | string | Pickled[] | Map<Pickled, Pickled> | object;

/** What stands for a class or an object that is not known here. It is never built; what it was made of is dropped. */
export class Opaque {
  /** `module.name`, for messages: quoted already. */
  readonly className: string;
  constructor(className: string) {
    this.className = className;
  }
}

/** What a pickle may name: `module.name` -> a plain value, or a pure function of a list of arguments. */
export type PickleGlobals = ReadonlyMap<string, Pickled | PickleFunction>;
/** `memory` is charged with what the function copies. */
export type PickleFunction = (args: Pickled[], memory: PickleMemory) => Pickled;

export interface PickleReading {
  readonly globals: PickleGlobals;
  /** Names outside of `globals` that are refused, and why; every other name becomes an `Opaque`. */
  refusalOf(name: string): string | undefined;
  /** Makes the value that a persistent id stands for (torch: a storage). */
  persistentLoad(id: Pickled): Pickled;
}

/**
 * Bytes of memory that the values of a pickle may take: a fixed part, and a share of the pickle's own size. The values of
 * state dictionaries as torch writes them take about six times their pickle.
 */
export class PickleMemory {
  private left: number;
  private readonly pickleBytes: number;

  constructor(pickleBytes: number) {
    this.left = 2 ** 25 + 12 * pickleBytes;
    this.pickleBytes = pickleBytes;
  }
  /** Throws UserError `BAD_PICKLE` where `bytes` are more than what is left. */
  spend(bytes: number): void {
    this.left -= bytes;
    if (this.left < 0)
      throw badPickle(`its pickle of ${this.pickleBytes} bytes unfolds to far more values than weights need`);
  }
}

/** About what V8 takes: an empty array and its place, an empty map, an entry of a map, a slot. */
export const memoryOf = { array: 64, map: 200, entry: 64, slot: 8 } as const;

const mark = Symbol('mark');
type Slot = Pickled | typeof mark;

/**
 * Reads one pickle of protocol 2 that starts at byte `start`. Nothing is run: a call can only reach what is in `globals`;
 * a call or a state of any other name is dropped and leaves an `Opaque`. Time and memory are in proportion to the bytes.
 * Returns the value and the byte after the pickle.
 * Source: CPython Lib/pickletools.py, opcode table. Throws UserError `BAD_PICKLE` or `PICKLE_CUT_OFF`.
 */
export function unpickle(bytes: Uint8Array, start: number, reading: PickleReading): { value: Pickled; end: number } {
  const input = new PickleInput(bytes, start);
  const stack = new PickleStack();
  const memory = new PickleMemory(bytes.length - start);
  const memo = new Map<number, Pickled>();
  const remember = (slot: number) => {
    if (!memo.has(slot)) memory.spend(memoryOf.entry);
    memo.set(slot, stack.top());
  };
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
      case 0x31: // POP_MARK
        stack.popToMark();
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
        memory.spend(memoryOf.array);
        stack.push([]);
        break;
      case 0x7d: // EMPTY_DICT
        memory.spend(memoryOf.map);
        stack.push(new Map());
        break;
      case 0x61: // APPEND
        appendAll(stack.popMany(1), stack.top());
        break;
      case 0x65: // APPENDS
        appendAll(stack.popToMark(), stack.top());
        break;
      case 0x73: // SETITEM
        setAll(stack.popMany(2), stack.top(), memory);
        break;
      case 0x75: // SETITEMS
        setAll(stack.popToMark(), stack.top(), memory);
        break;
      case 0x74: // TUPLE
        memory.spend(memoryOf.array);
        stack.push(stack.popToMark());
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        memory.spend(memoryOf.array);
        stack.push(stack.popMany(opcode - 0x84));
        break;
      case 0x71: // BINPUT
        remember(input.byte());
        break;
      case 0x72: // LONG_BINPUT
        remember(input.uint32());
        break;
      case 0x68: // BINGET
        recall(input.byte());
        break;
      case 0x6a: // LONG_BINGET
        recall(input.uint32());
        break;
      case 0x63: // GLOBAL
        stack.push(globalOf(`${input.line()}.${input.line()}`, reading));
        break;
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        stack.push(call(stack.popMany(2), memory));
        break;
      case 0x62: // BUILD: of what is known, only OrderedDict has state (torch keeps versions in it), and nobody needs it
        stack.pop();
        if (!(stack.top() instanceof Map || stack.top() instanceof Opaque))
          throw badPickle('it sets the attributes of an object');
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

function appendAll(values: Pickled[], list: Pickled): void {
  if (list instanceof Opaque) return;
  if (!Array.isArray(list)) throw badPickle('it appends to something that is no list');
  for (const value of values) list.push(value);
}

function setAll(values: Pickled[], dictionary: Pickled, memory: PickleMemory): void {
  if (dictionary instanceof Opaque) return;
  if (!(dictionary instanceof Map) || values.length % 2 !== 0)
    throw badPickle('it sets an item of something that is no dictionary');
  memory.spend((values.length / 2) * memoryOf.entry);
  for (let i = 0; i < values.length; i += 2) dictionary.set(values[i] as Pickled, values[i + 1] as Pickled);
}

function globalOf(name: string, { globals, refusalOf }: PickleReading): Pickled {
  const known = globals.get(name);
  if (known !== undefined) return known;
  const refusal = refusalOf(name);
  if (refusal !== undefined) throw badPickle(`it names ${quote(name)}, ${refusal}`);
  return new Opaque(quote(name));
}

/** The only functions on the stack are those of `globals`: nothing else makes one. */
function call([callee, args]: Pickled[], memory: PickleMemory): Pickled {
  if (callee instanceof Opaque) return callee;
  if (typeof callee !== 'function' || !Array.isArray(args)) throw badPickle('it calls something that cannot be called');
  return (callee as PickleFunction)(args, memory);
}
