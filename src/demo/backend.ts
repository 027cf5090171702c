/**
 * A program: one HTTP server on FAIRLEAD_ADDRESS that answers every request with that address. Ends on SIGTERM once
 * what it has begun is answered, and by itself when its parent is gone.
 */
import { createServer } from 'node:http'

const LISTEN_RETRY_MS = 100
const LISTEN_ATTEMPTS = 100
const PARENT_CHECK_MS = 500

const address = process.env.FAIRLEAD_ADDRESS ?? ''
const separator = address.lastIndexOf(':')
const parent = process.ppid

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'connection': 'close' }).end(address)
})

// A port from the operating system's range can be in use by some outgoing connection for a moment.
let attempts = 0
server.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE' || ++attempts === LISTEN_ATTEMPTS) throw error
  setTimeout(listen, LISTEN_RETRY_MS)
})

function listen(): void {
  server.listen(Number(address.slice(separator + 1)), address.slice(0, separator))
}

function end(): void {
  server.close(() => process.exit(0))
}

process.on('SIGTERM', end)
setInterval(() => {
  if (process.ppid !== parent) end()
}, PARENT_CHECK_MS)
listen()
