import { fileURLToPath } from 'node:url'
import { describeWithPeers, PYTHON } from '../support/peers.js'
import { dnsSuite } from './grpclb/dns-suite.js'

const CLIENT = fileURLToPath(new URL('grpclb/python_client.py', import.meta.url))

describeWithPeers(['python:grpc'], 'a client of Python’s grpcio that finds its balancers by DNS', () =>
  dnsSuite(() => [PYTHON, CLIENT]),
)
