/**
 * For `node --import`: on the port HOLD_PORT, `GET /begin` begins to watch the turns of the process's event loop and
 * `GET /end` answers with the CPU time of the longest, in milliseconds. CPU time, since what other processes take of
 * the core is not the process's doing.
 */
import { createServer } from 'node:http'
import { setImmediate } from 'node:timers'

let watching = false
let longest = 0
let before = 0

const cpuNow = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function turn() {
  const now = cpuNow()
  longest = Math.max(longest, now - before)
  before = now
  if (watching) setImmediate(turn)
}

const server = createServer(({ url }, response) => {
  if (url === '/begin') {
    watching = true
    longest = 0
    before = cpuNow()
    setImmediate(turn)
  } else {
    watching = false
  }
  response.end(String(longest))
})
server.listen(Number(process.env.HOLD_PORT), '127.0.0.1').unref()
