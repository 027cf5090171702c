import { fileURLToPath } from 'node:url'
import { describeWithPeers, PYTHON } from '../support/peers.js'
import { xdsClientSuite } from './xds/client-suite.js'

const CLIENT = fileURLToPath(new URL('xds/python_client.py', import.meta.url))

describeWithPeers(['python:grpc'], 'a client of Python’s grpcio', () => xdsClientSuite(() => [PYTHON, CLIENT]))
