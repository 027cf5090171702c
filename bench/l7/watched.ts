import { get } from 'node:http'
import { freePort, type Started } from '../support/processes.js'
import { type ProxySetup, startFairlead } from './proxies.js'

/** As often as `fairlead top` reads it. */
const EVERY_MS = 500

/** fairlead while somebody reads its state again and again, until it is stopped. */
export async function startWatched(setup: ProxySetup): Promise<Started> {
  const port = await freePort()
  const started = await startFairlead(setup, ['--admin', String(port)])
  const look = () => {
    get({ host: '127.0.0.1', port, path: '/state', agent: false }, (response) => response.resume()).on(
      'error',
      () => {},
    )
  }
  const timer = setInterval(look, EVERY_MS)
  const stop = () => {
    clearInterval(timer)
    return started.stop()
  }
  return { ...started, stop }
}
