/** Bytes of 16-bit floats read at a time. */
export const chunkBytes = 1 << 22;

interface ResizableBuffer extends ArrayBuffer {
  resize(bytes: number): void;
}
const ResizableBuffer = ArrayBuffer as unknown as new (
  bytes: number,
  options: { maxByteLength: number },
) => ResizableBuffer;

/**
 * Memory that tensors pass through, one after the other, on their way to a backend that copies them. Garbage collection
 * comes too late for a model of gigabytes; this gives pages back at once.
 */
export class Staging {
  /** For raw bytes. */
  readonly chunk = new Uint8Array(chunkBytes);
  private readonly buffer: ResizableBuffer;

  /** Room for tensors of up to `largest` elements. */
  constructor(largest: number) {
    this.buffer = new ResizableBuffer(0, { maxByteLength: offset + 4 * largest });
  }

  /** Room for `count` values with any content. What was handed out before is no longer valid. */
  values(count: number): Float32Array {
    this.buffer.resize(offset + 4 * count);
    return new Float32Array(this.buffer, offset, count);
  }

  /** Gives the memory back. */
  release(): void {
    this.buffer.resize(0);
  }
}

/** TensorFlow takes over memory that starts at a multiple of 64 bytes, and copies all other: never start at one. */
const offset = 4;

/** Whether native TensorFlow copies these values rather than take them over. */
export const isStaged = (values: Float32Array): boolean => values.byteOffset === offset;
