import type { ListenerState, ProxyEvent } from './events.js'

/** One line for people. May hold text from the registry: escape it before it goes to a terminal. */
export function proxyEventText(event: ProxyEvent): string {
  switch (event.event) {
    case 'listening':
      return `listening ${stateText(event)}`
    case 'endpoints':
      return `endpoints ${stateText(event)}`
    case 'stale':
      return `stale ${event.listen} -> ${event.service}: ${event.reason}; going on with what is known`
    case 'live':
      return `live ${event.listen} -> ${event.service}: the registry is back`
    case 'health': {
      const why = event.reason ? `: ${event.reason}` : ''
      return `${event.health} ${event.address} for ${event.listen} -> ${event.service}${why}`
    }
    case 'panic':
      return event.panic
        ? `panic ${event.listen} -> ${event.service}: too few endpoints are healthy; all are used`
        : `panic over ${event.listen} -> ${event.service}: only healthy endpoints are used again`
    case 'connection_error': {
      const many = event.count > 1 ? ` (${event.count} times)` : ''
      const where = event.address ? ` ${event.address}` : ''
      return `${event.kind}${where} for ${event.listen} -> ${event.service}: ${event.reason}${many}`
    }
    case 'worker_exited':
      return `worker_exited ${event.worker}: ${event.reason}; starting another in ${event.restartMs} ms`
    case 'worker_started':
      return `worker_started ${event.worker}`
    case 'reloaded': {
      const rest = event.unchanged
        ? `; ${event.unchanged.join(' and ')} take${event.unchanged.length > 1 ? '' : 's'} a restart`
        : ''
      return `reloaded, ${plural(event.listeners, 'listener')}${rest}`
    }
    case 'reload_failed':
      return `reload_failed: ${event.reason}; going on as before`
    case 'admin':
      return `admin ${event.url}`
    case 'certificates':
      return `reloaded ${event.files.join(', ')}`
    case 'certificates_refused':
      return `not reloaded: ${event.reason}; going on with the certificates known before`
    case 'draining':
      return `draining ${plural(event.connections, 'connection')}`
    case 'stopped':
      return event.broken > 0 ? `stopped, breaking off ${plural(event.broken, 'connection')}` : 'stopped'
  }
}

function stateText({ listen, service, policy, ready, endpoints }: ListenerState): string {
  const usable = ready === endpoints ? '' : `, ${ready} ready`
  return `${listen} -> ${service} (${plural(endpoints, 'endpoint')}${usable}, ${policy})`
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
