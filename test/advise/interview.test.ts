import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { interview } from '../../src/cli/advise/interview.js'
import type { Said } from '../../src/core/advise/answers.js'

function begin(said: Said, typed: string, signal = new AbortController().signal) {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const answers = interview(said, { input, output }, signal)
  input.end(typed)
  return { answers, shown: () => String(output.read() ?? '') }
}

describe('an interview', () => {
  it('asks what is not said, and takes words, beginnings, numbers and empty lines', async () => {
    const { answers, shown } = begin({ protocol: 'http', clients: 'many' }, 'n\nuntrusted\n2\n\nCOOKIE\n\nmix\n')
    expect(await answers).toEqual({
      protocol: 'http',
      mesh: 'none',
      clients: 'many',
      trust: 'untrusted',
      latency: 'low',
      connections: 'even',
      affinity: 'cookie',
      requests: 'even',
      servers: 'mixed',
    })
    const text = shown()
    expect(text).toContain('Whose are the clients?\n  1  trusted')
    expect(text).toContain('latency [normal]: ')
    expect(text).not.toContain('What do clients speak?')
  })

  it('asks again where it does not understand, and where there is no default', async () => {
    const { answers, shown } = begin({ protocol: 'tcp', clients: 'few' }, '\nboth\n7\nt\n\n\n\n\n')
    expect(await answers).toMatchObject({ trust: 'trusted' })
    expect(shown().match(/one of trusted, untrusted/g)).toHaveLength(3)
  })

  it('ends with its input, and names the flags that would have said the rest', async () => {
    const { answers } = begin({}, 'grpc\n')
    await expect(answers).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(answers).rejects.toThrow(/--mesh, --clients, --trust/)
  })

  it('ends with the command', async () => {
    const end = new AbortController()
    const input = new PassThrough()
    const answers = interview({}, { input, output: new PassThrough() }, end.signal)
    end.abort(new Error('stopped'))
    await expect(answers).rejects.toThrow()
  })
})
