/** Items that are turned into text at a time. */
const AT_A_TIME = 200

/** The items of an array, without its brackets, in pieces that each take little time to make. */
export function* listed(items: Iterable<object>): Generator<string, void, undefined> {
  let first = true
  let some: object[] = []
  const text = () => `${first ? '' : ','}${JSON.stringify(some).slice(1, -1)}`
  for (const item of items) {
    some.push(item)
    if (some.length < AT_A_TIME) continue
    yield text()
    first = false
    some = []
  }
  if (some.length > 0) yield text()
}

/** An object that is not empty, without its closing brace. */
export function openEnded(value: object): string {
  return JSON.stringify(value).slice(0, -1)
}
