import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeWithPeers } from '../support/peers.js'
import { grpclbClientSuite } from './grpclb/client-suite.js'
import { xdsClientSuite } from './xds/client-suite.js'

const PROJECT = fileURLToPath(new URL('java-client', import.meta.url))

/** The first build fetches libraries. */
const BUILD_TIMEOUT_MS = 600_000

/** For programs that do not live long. */
const JVM_FLAGS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m']

describeWithPeers(['mvn', 'javac'], 'a client of grpc-java', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairlead-java-'))
    const build = ['-q', '-B', `-Doutput=${directory}`, 'dependency:copy-dependencies', 'compiler:compile']
    await promisify(execFile)('mvn', build, { cwd: PROJECT, timeout: BUILD_TIMEOUT_MS })
  }, BUILD_TIMEOUT_MS)
  afterAll(() => rm(directory, { recursive: true, force: true }))

  function program(main: string): readonly string[] {
    const classPath = [join(directory, 'classes'), join(directory, 'libraries', '*')].join(':')
    return ['java', ...JVM_FLAGS, '-cp', classPath, main]
  }

  // Of certificates it knows those in the trust store of the JVM only.
  describe('that learns about servers by xDS', () => xdsClientSuite(() => program('XdsClient'), { hasTls: false }))
  describe('with its policy grpclb', () =>
    grpclbClientSuite(() => program('GrpclbClient'), {
      dropped: 'Dropped as requested by balancer',
      noServers: 'LoadBalancer responded without any backends',
    }))
})
