/** An HTTP/1.1 backend that costs next to nothing: answers every request without a body. Prints its port. */
import { createServer } from 'node:net'

const END = Buffer.from('\r\n\r\n')
const ANSWER =
  'HTTP/1.1 200 OK\r\nserver: bench\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nhello, world\n'

const server = createServer((socket) => {
  let rest = ''
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    let answers
    if (rest === '' && chunk.indexOf(END) === chunk.length - END.length) answers = ANSWER
    else {
      const requests = (rest + chunk.toString('latin1')).split('\r\n\r\n')
      rest = requests.pop()
      answers = ANSWER.repeat(requests.length)
    }
    if (answers !== '') socket.write(answers, 'latin1')
  })
})
server.listen(0, '127.0.0.1', 1024, () => process.stdout.write(`${server.address().port}\n`))
process.stdin.resume().on('end', () => process.exit(0))
