import type { LoadReport } from './load-report.js'

/** The trailer (or, of a response without trailers, the header) that carries a report per request. */
export const LOAD_REPORT_FIELD = 'endpoint-load-metrics-bin'

/** A report longer than this, as base64, is not read. */
const MAX_LENGTH = 16 * 1024

/** Field numbers of xds.data.orca.v3.OrcaLoadReport that weights are made of; all are doubles. */
const CPU_UTILIZATION = 1
const RPS_FRACTIONAL = 6
const EPS = 7
const APPLICATION_UTILIZATION = 9

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5

/**
 * Reads an OrcaLoadReport as it stands in a `-bin` field: base64, padded or not. Undefined for what is not one. Numbers that
 * are negative or not finite count as not said. A value of several reports, joined by commas, counts as the last of them.
 */
export function decodeLoadReport(value: string): LoadReport | undefined {
  const text = value.slice(value.lastIndexOf(',') + 1).trim()
  if (text.length === 0 || text.length > MAX_LENGTH || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  return readLoadReport(Buffer.from(text, 'base64'))
}

/** The same for a message as it is, whatever its length. */
export function readLoadReport(bytes: Buffer): LoadReport | undefined {
  const doubles = new Map<number, number>()
  let at = 0
  while (at < bytes.length) {
    const tag = readVarint(bytes, at)
    if (!tag) return undefined
    const [number, type] = [Math.floor(tag.value / 8), tag.value % 8]
    const end = endOfField(bytes, tag.end, type)
    if (number === 0 || end === undefined || end > bytes.length) return undefined
    if (type === FIXED64) doubles.set(number, bytes.readDoubleLE(tag.end))
    at = end
  }
  const said = (number: number) => {
    const value = doubles.get(number) ?? 0
    return Number.isFinite(value) && value > 0 ? value : 0
  }
  return {
    rps: said(RPS_FRACTIONAL),
    eps: said(EPS),
    cpuUtilization: said(CPU_UTILIZATION),
    applicationUtilization: said(APPLICATION_UTILIZATION),
  }
}

/** Where the field whose content begins at `at` ends; may be beyond the message. Undefined for what cannot be read. */
function endOfField(bytes: Buffer, at: number, type: number): number | undefined {
  switch (type) {
    case VARINT:
      return readVarint(bytes, at)?.end
    case FIXED64:
      return at + 8
    case LENGTH_DELIMITED: {
      const length = readVarint(bytes, at)
      return length && length.end + length.value
    }
    case FIXED32:
      return at + 4
    default:
      return undefined
  }
}

/** A base-128 number of ten bytes at most. Exact below 2^53, which is all that lengths and tags need. */
function readVarint(bytes: Buffer, from: number): { value: number; end: number } | undefined {
  let value = 0
  for (let i = 0; i < 10; i++) {
    const byte = bytes[from + i]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value, end: from + i + 1 }
  }
  return undefined
}
