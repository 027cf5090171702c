import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { xdsClientSuite } from './xds/client-suite.js'

const CLIENT = fileURLToPath(new URL('xds/js-client.mjs', import.meta.url))

describe('a client of @grpc/grpc-js-xds', () => xdsClientSuite(() => [process.execPath, CLIENT], { hasTls: false }))
