/** A program: opens the screen and fails, in the view (`view`), outside of it (`timer`), or by a promise (`promise`). */
import { Text } from 'ink'
import { openScreen } from '../../../src/tui/screen.js'

const [, , where] = process.argv
let fails = false

function View() {
  if (fails) throw new Error('the view broke')
  return <Text>all is well</Text>
}

const screen = openScreen(() => <View />)
setTimeout(() => {
  if (where === 'timer') throw new Error('the timer broke')
  if (where === 'promise') void Promise.reject(new Error('the promise broke'))
  fails = true
  screen.refresh()
}, 1000)
await screen.failed
