/**
 * The server behind the proxies. Echoes, unless a connection begins with "B": then it sends 16 MiB and ends. Prints its
 * port; lives until its stdin ends.
 */
import { createServer } from 'node:net'

const BLOCK = Buffer.alloc(256 * 1024, 'x')
const BLOCKS = 64

const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy())
  socket.once('data', (first) => {
    if (first[0] === 0x42) return stream(socket, BLOCKS)
    socket.write(first)
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end())
  })
})

function stream(socket, blocks) {
  let left = blocks
  const pump = () => {
    while (left > 0) {
      left--
      if (!socket.write(BLOCK)) return socket.once('drain', pump)
    }
    socket.end()
  }
  pump()
}

server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit(0)).resume()
