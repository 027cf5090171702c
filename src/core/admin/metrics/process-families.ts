import type { ProcessState } from '../process.js'
import { type Family, gauge } from './family.js'

/**
 * Of the process that answers: with several workers the one that they belong to. Names without a prefix are Prometheus'
 * own for every process.
 */
export const PROCESS_FAMILIES: readonly Family<ProcessState>[] = [
  {
    name: 'fairlead_build_info',
    type: 'gauge',
    help: 'Always 1; the version is a label.',
    values: ({ version }) => [{ value: 1, labels: { version } }],
  },
  gauge('fairlead_ready', 'Whether it knows what it needs and the process is not ending.', ({ ready }) => ready),
  gauge(
    'process_start_time_seconds',
    'When the process started, in seconds since the epoch.',
    ({ startedAt }) => Date.parse(startedAt) / 1000,
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
