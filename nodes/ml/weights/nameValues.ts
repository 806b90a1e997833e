import { quote } from '../../quote.ts';
import { elementCount, elementSize } from './checkpoint.ts';
import { TorchTensor } from './torchPickle.ts';
import { badPickle, Opaque, type Pickled } from './unpickle.ts';

export type PlainValue = string | number | bigint | boolean | null;

export interface NamedValues {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** Names of objects of unknown classes -> the class, quoted. */
  readonly opaque: ReadonlyMap<string, string>;
  /** The first 10,000 plain values. */
  readonly metadata: ReadonlyMap<string, PlainValue>;
}

const DEEPEST = 64;
const LONGEST_NAME = 1000;
const MOST_METADATA = 10_000;

/**
 * Gives every value of a pickle the path that leads to it, joined with '/'; an opaque key stands under its class. Since
 * parts may be shared, and a small file then stands for endless values, the steps, the letters of all names and the bytes
 * of all tensors are in proportion to `pickleBytes` and `fileBytes`. Throws UserError `BAD_PICKLE`.
 */
export function nameValues(object: Pickled, pickleBytes: number, fileBytes: number): NamedValues {
  const tensors = new Map<string, TorchTensor>();
  const opaque = new Map<string, string>();
  const metadata = new Map<string, PlainValue>();
  let steps = pickleBytes;
  let letters = 2 ** 20 + 4 * pickleBytes;
  let bytes = 2 ** 20 + 8 * fileBytes;
  const claim = (name: string) => {
    if (tensors.has(name) || opaque.has(name) || metadata.has(name))
      throw badPickle(`the name ${quote(name)} occurs twice`);
  };
  const keep = (name: string, value: TorchTensor | Opaque) => {
    if (name.length > LONGEST_NAME)
      throw badPickle(`it has a name of ${name.length} letters, and at most ${LONGEST_NAME} are read`);
    letters -= name.length;
    if (letters < 0) throw badPickle('the names of its values have more letters than weights need');
    claim(name);
    if (value instanceof Opaque) opaque.set(name, value.className);
    else {
      const count = elementCount(value.shape) as number;
      if (count > fileBytes) throw badPickle(`${quote(name)} has more elements than the file has bytes`);
      bytes -= count * elementSize(value.storage.dtype);
      if (bytes < 0) throw badPickle(`its tensors take more than eight times the ${fileBytes} bytes of the file`);
      tensors.set(name, value);
    }
  };
  const visit = (value: Pickled, name: string, depth: number): void => {
    if (steps-- < 0 || depth > DEEPEST) throw badPickle('its values are nested without end');
    const inside = (key: string | number) => (depth === 0 ? String(key) : `${name}/${key}`);
    if (Array.isArray(value)) for (const [i, item] of value.entries()) visit(item, inside(i), depth + 1);
    else if (value instanceof Map) for (const [key, item] of value) visit(item, inside(nameOf(key)), depth + 1);
    else if (value instanceof TorchTensor) keep(name, value);
    else if (value instanceof Opaque) {
      if (depth === 0) throw badPickle(`it is an object of the class ${value.className}, not tensors by their names`);
      keep(name, value);
    } else if (!isPlain(value)) throw badPickle(`${quote(name)} is neither a tensor nor a plain value`);
    else if (metadata.size < MOST_METADATA && name.length <= LONGEST_NAME) {
      claim(name);
      metadata.set(name, value);
    }
  };
  visit(object, '', 0);
  return { tensors, opaque, metadata };
}

/** Lightning has dictionaries with classes as keys. */
function nameOf(key: Pickled): string {
  if (key instanceof Opaque) return key.className.slice(1, -1);
  if (!isPlain(key)) throw badPickle('a dictionary has keys that are no names');
  return String(key);
}

function isPlain(value: Pickled): value is PlainValue {
  return value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}
