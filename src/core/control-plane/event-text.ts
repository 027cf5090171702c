import type { ControlPlaneEvent } from './events.js'

/** A refusal may be of very many resources. */
const MAX_NAMES = 5

/**
 * One line for people; undefined for what happens too often to be told one by one. May hold text of clients and of the registry: escape
 * it before it goes to a terminal.
 */
export function controlPlaneEventText(event: ControlPlaneEvent): string | undefined {
  switch (event.event) {
    case 'listening':
      return `listening ${event.listen}`
    case 'joined':
    case 'left':
    case 'load':
      return undefined
    case 'nack':
      return `nack by ${event.client} of ${event.type} ${namesText(event.resources)}: ${event.reason}`
    case 'stale':
      return `stale: ${event.reason}; going on with what is known`
    case 'live':
      return 'live: the registry is back'
    case 'health': {
      const why = event.reason ? `: ${event.reason}` : ''
      return `${event.health} ${event.address} of ${event.service}${why}`
    }
    case 'panic':
      return event.panic
        ? `panic ${event.service}: too few endpoints are healthy; all are used`
        : `panic over ${event.service}: only healthy endpoints are used again`
    case 'certificates':
      return `reloaded ${event.files.join(', ')}`
    case 'certificates_refused':
      return `not reloaded: ${event.reason}; going on with the certificates known before`
    case 'admin':
      return `admin ${event.url}`
    case 'draining':
      return 'draining'
    case 'stopped':
      return 'stopped'
  }
}

function namesText(names: readonly string[]): string {
  const rest = names.length - MAX_NAMES
  return names.slice(0, MAX_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
