import type { Files, OpenFile } from '../../files.ts';

/** Bytes of narrow floats converted at a time. */
export const CHUNK_BYTES = 1 << 22;

interface ResizableBuffer extends ArrayBuffer {
  resize(bytes: number): void;
}
const ResizableBuffer = ArrayBuffer as unknown as new (
  bytes: number,
  options: { maxByteLength: number },
) => ResizableBuffer;

/**
 * What tensors pass through, one after the other, on their way to a backend that copies them: files that stay open, and
 * memory for two, so that one can be read while the device takes the other. Garbage collection comes too late for a model
 * of gigabytes; this gives pages back at once.
 */
export class Staging {
  /** For raw bytes. */
  readonly chunk = new Uint8Array(CHUNK_BYTES);
  private readonly buffers: readonly [ResizableBuffer, ResizableBuffer];
  private turn: 0 | 1 = 0;
  private readonly files = new Map<string, OpenFile>();

  /** Room for tensors of up to `largest` elements. `keepsHalves`: float16 and bfloat16 are handed out as they are, 8-bit floats as float16. */
  constructor(
    largest: number,
    readonly keepsHalves = false,
  ) {
    const room = () => new ResizableBuffer(0, { maxByteLength: OFFSET + 4 * largest });
    this.buffers = [room(), room()];
  }

  /** `bytes` bytes with any content. What was handed out before the last time is no longer valid. */
  room(bytes: number): Uint8Array {
    this.turn = this.turn === 0 ? 1 : 0;
    const buffer = this.buffers[this.turn];
    buffer.resize(OFFSET + bytes);
    return new Uint8Array(buffer, OFFSET, bytes);
  }

  /** Reads from files that it opens once and holds open until the release. */
  holdOpen(files: Files): Pick<Files, 'read'> {
    return {
      read: async (path, ...range) => {
        const file = this.files.get(path) ?? (await files.open(path));
        this.files.set(path, file);
        return file.read(...range);
      },
    };
  }

  /** Closes the files and gives the memory back. */
  async release(): Promise<void> {
    for (const buffer of this.buffers) buffer.resize(0);
    await Promise.all([...this.files.values()].map((file) => file.close()));
    this.files.clear();
  }
}

/** TensorFlow takes over memory that starts at a multiple of 64 bytes, and copies all other: never start at one. */
const OFFSET = 4;

/** Whether native TensorFlow copies these values rather than take them over. */
export const isStaged = (values: Float32Array): boolean => values.byteOffset === OFFSET;
