import type { Metadata } from '@grpc/grpc-js'
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeLoadReport, LOAD_REPORT_FIELD } from '../../../src/core/balancer/orca/decode.js'

const bytes = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
const double = (value: number) => {
  const buffer = Buffer.alloc(8)
  buffer.writeDoubleLE(value)
  return buffer.toString('hex')
}
const NOTHING = { rps: 0, eps: 0, cpuUtilization: 0, applicationUtilization: 0 }

const serialize = (value: Buffer) => value
const CALL = {
  path: '/test.Load/Report',
  requestStream: false,
  responseStream: false,
  requestSerialize: serialize,
  requestDeserialize: serialize,
  responseSerialize: serialize,
  responseDeserialize: serialize,
}

/** The trailer that grpc-js sends for what its handler records. */
async function reportOfGrpcJs(record: (call: ServerUnaryCall<Buffer, Buffer>) => void): Promise<string> {
  const server = new Server({ 'grpc.server_call_metric_recording': 1 })
  server.addService({ Report: CALL } as ServiceDefinition, {
    Report: (call: ServerUnaryCall<Buffer, Buffer>, answer: (error: null, value: Buffer) => void) => {
      record(call)
      answer(null, Buffer.alloc(0))
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (e, n) => (e ? reject(e) : resolve(n)))
  })
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  try {
    const trailers = await new Promise<Metadata>((resolve, reject) => {
      const call = client.makeUnaryRequest(CALL.path, serialize, serialize, Buffer.alloc(0), (e) => e && reject(e))
      call.on('status', (status) => resolve(status.metadata))
    })
    return (trailers.get(LOAD_REPORT_FIELD)[0] as Buffer).toString('base64')
  } finally {
    client.close()
    server.forceShutdown()
  }
}

describe('a load report', () => {
  it('is read as grpc-js writes it', async () => {
    const text = await reportOfGrpcJs((call) => {
      const recorder = call.getMetricsRecorder()
      recorder.recordCPUUtilizationMetric(0.25)
      recorder.recordApplicationUtilizationMetric(0.5)
      recorder.recordMemoryUtilizationMetric(0.75)
      recorder.recordQpsMetric(120)
      recorder.recordEpsMetric(3)
      recorder.recordRequestCostMetric('rows', 17)
      recorder.recordUtilizationMetric('disk', 0.1)
      recorder.recordNamedMetric('depth', 4)
    })
    expect(decodeLoadReport(text)).toEqual({ rps: 120, eps: 3, cpuUtilization: 0.25, applicationUtilization: 0.5 })
  })

  it('may come without padding, several at once, and empty fields out', () => {
    const text = bytes(`09${double(0.5)}31${double(7)}`)
    const report = { ...NOTHING, cpuUtilization: 0.5, rps: 7 }
    expect(decodeLoadReport(text.replaceAll('=', ''))).toEqual(report)
    expect(decodeLoadReport(`${bytes(`09${double(0.1)}`)}, ${text}`)).toEqual(report)
  })

  it('passes over fields of every kind that it does not know', () => {
    const unknown = `50ffffffffffffffffff01` + `5d01020304` + `5203aabbcc` + `19${double(9)}`
    expect(decodeLoadReport(bytes(`${unknown}31${double(5)}`))).toEqual({ ...NOTHING, rps: 5 })
  })

  it('has nothing to say with numbers that cannot be', () => {
    const text = `09${double(NaN)}31${double(-1)}39${double(Infinity)}49${double(0)}`
    expect(decodeLoadReport(bytes(text))).toEqual(NOTHING)
  })

  it.each([
    ['nothing', ''],
    ['no base64', 'CZqZ*mZm'],
    ['a double cut off', bytes('0900')],
    ['a length beyond the end', bytes('52ff0100')],
    ['a tag that never ends', bytes('ffffffffffffffffffffff')],
    ['a group', bytes('0b')],
    ['field number 0', bytes('0000')],
    ['too much', 'AAAA'.repeat(8192)],
  ])('is none: %s', (_, text) => {
    expect(decodeLoadReport(text)).toBeUndefined()
  })

  it('may be any bytes without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
        const report = decodeLoadReport(Buffer.from(noise).toString('base64'))
        for (const value of Object.values(report ?? {})) expect(value).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})
