import { type Family, gauge, type Scrape } from './family.js'

/**
 * Of the process that answers: with several workers the one that they belong to. Names without a prefix are Prometheus'
 * own for every process.
 */
export const PROCESS_FAMILIES: readonly Family<Scrape>[] = [
  {
    name: 'fairlead_build_info',
    type: 'gauge',
    help: 'Always 1; the version is a label.',
    values: ({ process: { version } }) => [{ value: 1, labels: { version } }],
  },
  gauge(
    'fairlead_ready',
    'Whether every listener knows its endpoints and the process is not ending.',
    ({ process }) => process.ready,
  ),
  gauge('fairlead_workers', 'Processes that share the listeners.', ({ process }) => process.workers),
  gauge(
    'fairlead_endpoints_omitted',
    'Endpoints without metrics of their own, since there are too many.',
    ({ omitted }) => omitted,
  ),
  gauge(
    'process_start_time_seconds',
    'When the process started, in seconds since the epoch.',
    ({ process }) => Date.parse(process.startedAt) / 1000,
  ),
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time the process took, user and system.',
    values: () => {
      const { user, system } = process.cpuUsage()
      return [{ value: (user + system) / 1e6 }]
    },
  },
  gauge('process_resident_memory_bytes', 'Memory the process has in RAM.', () => process.memoryUsage.rss()),
]
