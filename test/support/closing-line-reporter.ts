import type { Reporter, TestModule } from 'vitest/node'

/** Ends the run with one plain line that scripts can read: `N passed, N failed`. */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0
    let failed = unhandledErrors.length
    for (const module of modules) {
      let failedTests = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failedTests++
      }
      failed += failedTests
      if (failedTests === 0 && module.state() === 'failed') failed++
    }
    process.on('exit', () => console.log(`${passed} passed, ${failed} failed`))
  }
}
