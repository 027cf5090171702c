import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeWithPeers } from '../support/peers.js'
import { grpclbClientSuite } from './grpclb/client-suite.js'
import { dnsSuite } from './grpclb/dns-suite.js'

const MODULE = fileURLToPath(new URL('go-grpclb', import.meta.url))

/** The first build fetches and compiles the client. */
const BUILD_TIMEOUT_MS = 600_000

describeWithPeers(['go'], 'a client of grpc-go with its policy grpclb', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairlead-go-grpclb-'))
    const build = ['build', '-o', join(directory, 'client'), '.']
    await promisify(execFile)('go', build, { cwd: MODULE, timeout: BUILD_TIMEOUT_MS })
  }, BUILD_TIMEOUT_MS)
  afterAll(() => rm(directory, { recursive: true, force: true }))

  grpclbClientSuite(() => [join(directory, 'client'), 'balancer'], { dropped: 'request dropped by grpclb' })
  describe('that finds its balancers by DNS', () => dnsSuite(() => [join(directory, 'client'), 'target']))
})
