import { connect, type IncomingHttpHeaders } from 'node:http2'

/** Makes one gRPC call and throws where head, body or trailers of its answer are not as a gRPC client wants them. */
export async function probe(port: number, bytes: number): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`)
  try {
    const [head, body, trailers] = await new Promise<[IncomingHttpHeaders, number, IncomingHttpHeaders]>(
      (resolve, reject) => {
        session.on('error', reject)
        const call = session.request({
          ':method': 'POST',
          ':path': '/bench.v1.Greeter/SayHello',
          'content-type': 'application/grpc',
          'te': 'trailers',
        })
        let received = 0
        let [first, last]: IncomingHttpHeaders[] = [{}, {}]
        call.on('response', (fields) => (first = fields))
        call.on('trailers', (fields) => (last = fields))
        call.on('data', (chunk: Buffer) => (received += chunk.length))
        call.on('error', reject)
        call.on('close', () => resolve([first!, received, last!]))
        call.setTimeout(5000, () => call.destroy(new Error('no answer within 5 s')))
        call.end(Buffer.alloc(5))
      },
    )
    const right = head['content-type'] === 'application/grpc' && body === bytes && trailers['grpc-status'] === '0'
    if (!right) throw new Error(`a gRPC call was answered ${JSON.stringify({ head, body, trailers })}`)
  } finally {
    session.destroy()
  }
}
