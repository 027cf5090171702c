import { existsSync } from 'node:fs'

/** Suites that spawn the command line need it built. */
export default function setup() {
  if (!existsSync('dist/commands')) throw new Error('dist/ is missing: run `npm run build` (npm test does) first')
}
