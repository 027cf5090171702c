/** Of parsed flags those of a command that were given: switches that are off were not. */
export function givenValues(
  names: readonly string[],
  flags: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const given = names.filter((name) => flags[name] !== undefined && flags[name] !== false)
  return Object.fromEntries(given.map((name) => [name, flags[name]]))
}
