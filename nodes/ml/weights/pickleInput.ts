import { UserError } from '../../errors.ts';

/** Code of the error for a pickle whose bytes end before its STOP: more bytes might help. */
export const PICKLE_CUT_OFF = 'PICKLE_CUT_OFF';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The bytes of a pickle, read from front to back. Every method throws UserError `PICKLE_CUT_OFF` where they end. */
export class PickleInput {
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
    if (at + count > this.bytes.length) throw new UserError(PICKLE_CUT_OFF, 'it ends in the middle');
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
    let digits = '0x0';
    for (let i = count - 1; i >= 0; i--)
      digits += this.view
        .getUint8(at + i)
        .toString(16)
        .padStart(2, '0');
    const value = BigInt.asIntN(8 * count, BigInt(digits));
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
