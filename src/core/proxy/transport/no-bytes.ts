/** An empty buffer: an end without data, and what buffers that are let go of are replaced by. */
export const NO_BYTES = Buffer.alloc(0)
