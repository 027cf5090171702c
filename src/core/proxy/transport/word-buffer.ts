/** What a copy by words may overrun its end by, in the buffer copied from and in the one copied to. */
export const SLACK = 8

/** A buffer with SLACK bytes of its own beyond its end and with a view of all that, so that copies by words can be made. */
export interface WordBuffer extends Buffer {
  /** Of the whole memory: offsets are those of the buffer. Making a view costs more than copying a header. */
  readonly view: DataView
}

/** A word buffer of `length` bytes, with anything in it. For buffers that live long. */
export function wordBuffer(length: number): WordBuffer {
  const memory = Buffer.allocUnsafeSlow(length + SLACK)
  return Object.defineProperty(memory.subarray(0, length), 'view', { value: new DataView(memory.buffer) }) as WordBuffer
}

/** The view of a word buffer; undefined for any other. */
export function viewOf(buffer: Buffer): DataView | undefined {
  return (buffer as Partial<WordBuffer>).view
}
