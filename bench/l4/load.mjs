/**
 * One burst of load on a port: `load.mjs PORT message|connection|bulk COUNT CONCURRENCY`. Exits 0 when all of it was answered in
 * full, else 1.
 */
import { connect } from 'node:net'

const [port, kind, count, concurrency] = process.argv.slice(2).map((word, i) => (i === 1 ? word : Number(word)))
const MESSAGE = Buffer.alloc(64, 'm')
const BULK_BYTES = 16 * 1024 * 1024
let left = count

function fail(reason) {
  console.error(reason)
  process.exit(1)
}

function open(firstBytes, onBytes, onEnd) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(firstBytes))
  socket.on('data', (chunk) => onBytes(socket, chunk.length))
  socket.on('end', () => onEnd(socket))
  socket.on('error', (error) => fail(error.message))
  return socket
}

/** A connection that sends the next message when the last one has come back. */
function message() {
  return new Promise((resolve) => {
    let missing = MESSAGE.length
    open(
      MESSAGE,
      (socket, length) => {
        missing -= length
        if (missing > 0) return
        missing = MESSAGE.length
        if (--left > 0) socket.write(MESSAGE)
        else socket.end()
      },
      resolve,
    )
  })
}

/** Connections one after the other, each for one message. */
async function connection() {
  while (left-- > 0) {
    await new Promise((resolve) => {
      open(MESSAGE, (socket) => socket.end(), resolve)
    })
  }
}

/** Streams one after the other, each read to its end. */
async function bulk() {
  while (left-- > 0) {
    await new Promise((resolve) => {
      let got = 0
      open(
        Buffer.from('B'),
        (_, length) => (got += length),
        () => (got === BULK_BYTES ? resolve() : fail(`${got} bytes of ${BULK_BYTES}`)),
      )
    })
  }
}

await Promise.all(Array.from({ length: concurrency }, { message, connection, bulk }[kind]))
