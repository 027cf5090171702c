/** Opens idle HTTP/2 connections: `idle-client.mjs PORT COUNT`. Prints how many are open and holds them until stdin ends. */
import { connect } from 'node:net'
import * as h2 from './frames.mjs'

const [port, count] = process.argv.slice(2).map(Number)
const AT_ONCE = 64
const HELLO = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), h2.settingsFrame([[0x2, 0]])])

let opened = 0
let greeted = 0

/** Open once both sides' settings are acknowledged. */
function open() {
  if (opened === count) return
  opened++
  const socket = connect(port, '127.0.0.1')
  const reader = new h2.FrameReader(0, (type, flags) => {
    if (type !== h2.SETTINGS) return
    if (!(flags & h2.ACK)) return void socket.write(h2.frame(h2.SETTINGS, h2.ACK, 0))
    if (++greeted === count) process.stdout.write(`${greeted}\n`)
    open()
  })
  socket.on('data', (chunk) => reader.read(chunk))
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the proxy closed a connection')))
  socket.write(HELLO)
}

function fail({ message }) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

process.stdin.resume().on('end', () => process.exit(0))
for (let i = 0; i < AT_ONCE; i++) open()
