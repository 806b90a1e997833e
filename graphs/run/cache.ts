import type { Artifact } from '../../nodes/defineNode.ts';
import { bytesOf, isGone, type Resource } from '../../nodes/values.ts';

/** The result of a step. */
export interface StepResult {
  /** By output name: a value, or a list of values. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly artifacts: readonly Artifact[];
  /** What the node said of its result. */
  readonly remarks: readonly string[];
  /** Small copies of its images, where the run that computed it had previews. */
  readonly copies: readonly OutputCopy[];
  /** Every tensor and model that must stay alive for the result. */
  readonly resources: readonly Resource[];
}

/** A small copy of one of the `count` images at an output. */
export interface OutputCopy extends Artifact {
  readonly output: string;
  readonly count: number;
}

interface Entry {
  readonly result: StepResult;
  /** When it was last put or asked for, by the clock of the cache. */
  used: number;
}

/** What an entry costs besides its tensors, models and files: keys, objects, small values. */
const ENTRY_BYTES = 512;

/**
 * Results by cache key, least recently used first out, within a budget of bytes. It also counts the references to each
 * tensor and model (runs in progress, and the cache itself) and disposes of it when the last one is released: exactly
 * once, however many values share it.
 */
export class ValueCache {
  readonly #budget: number;
  readonly #entries = new Map<string, Entry>();
  readonly #holders = new Map<Resource, number>();
  /** How many cached results need a resource: it counts towards the budget once. */
  readonly #cached = new Map<Resource, number>();
  #bytes = 0;
  #freed = 0;
  #clock = 0;

  /** @param budget in bytes; what alone exceeds it is not kept. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /** Bytes held for cached results. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes evicted, or not kept at all, for lack of room since the start. */
  get freed(): number {
    return this.#freed;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The result under a key, now the most recently used. The caller retains its resources before it awaits anything. */
  get(key: string): StepResult | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.result.resources.some(isGone)) {
      this.#remove(key, entry.result);
      return undefined;
    }
    entry.used = ++this.#clock;
    return entry.result;
  }

  /** Keeps a result under its key, if it fits the budget; others make room. The caller still retains its resources. */
  put(key: string, result: StepResult): void {
    if (this.#entries.has(key)) return;
    const bytes = bytesAlone(result);
    if (bytes > this.#budget) {
      this.#freed += bytes;
      return;
    }
    this.#entries.set(key, { result, used: ++this.#clock });
    this.retain(result.resources);
    for (const resource of result.resources) {
      const count = this.#cached.get(resource) ?? 0;
      this.#cached.set(resource, count + 1);
      if (count === 0) this.#bytes += bytesOf(resource);
    }
    this.#bytes += ownBytes(result);
    if (this.#bytes > this.#budget) this.#makeRoom();
  }

  /** Empties the cache; what runs in progress retain stays alive until they release it. */
  clear(): void {
    for (const [key, { result }] of this.#entries) this.#remove(key, result);
  }

  /** Adds a reference to each resource. */
  retain(resources: readonly Resource[]): void {
    for (const resource of resources) this.#holders.set(resource, (this.#holders.get(resource) ?? 0) + 1);
  }

  /** Drops a reference to each resource, and disposes of those without any. */
  release(resources: readonly Resource[]): void {
    for (const resource of resources) {
      const count = this.#holders.get(resource)! - 1;
      if (count > 0) {
        this.#holders.set(resource, count);
      } else {
        this.#holders.delete(resource);
        if (!isGone(resource)) resource.dispose();
      }
    }
  }

  /** Removes the least recently used results, a little more than needed, so that not every new result has to sort. */
  #makeRoom(): void {
    const slack = Math.min(this.#budget / 16, 2 ** 20);
    const oldestFirst = [...this.#entries].sort(([, a], [, b]) => a.used - b.used);
    oldestFirst.pop(); // the new one
    const before = this.#bytes;
    for (const [key, { result }] of oldestFirst) {
      if (this.#bytes <= this.#budget - slack) break;
      this.#remove(key, result);
    }
    this.#freed += before - this.#bytes;
  }

  #remove(key: string, result: StepResult): void {
    this.#entries.delete(key);
    this.#bytes -= ownBytes(result);
    for (const resource of result.resources) {
      const count = this.#cached.get(resource)! - 1;
      if (count > 0) {
        this.#cached.set(resource, count);
      } else {
        this.#cached.delete(resource);
        this.#bytes -= bytesOf(resource);
      }
    }
    this.release(result.resources);
  }
}

/** Bytes that a result would take in an empty cache. */
function bytesAlone(result: StepResult): number {
  let bytes = ownBytes(result);
  for (const resource of new Set(result.resources)) bytes += bytesOf(resource);
  return bytes;
}

/** Bytes of a result besides its resources: files, texts, and the entry itself. */
function ownBytes({ outputs, artifacts, remarks, copies }: StepResult): number {
  let bytes = ENTRY_BYTES;
  for (const copy of copies) bytes += copy.bytes.length;
  for (const artifact of artifacts) bytes += artifact.bytes.length;
  for (const remark of remarks) bytes += textBytes(remark);
  for (const name in outputs) bytes += textBytes(outputs[name]);
  return bytes;
}

function textBytes(value: unknown): number {
  if (typeof value === 'string') return value.length * 2;
  return Array.isArray(value) ? value.reduce<number>((sum, item) => sum + 16 + textBytes(item), 0) : 0;
}
