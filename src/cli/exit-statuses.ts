/** Every exit status and what it stands for, for help. */
export const EXIT_STATUSES: readonly (readonly [status: string, meaning: string])[] = [
  ['0', 'done; a long-running command was told to end'],
  ['1', 'failure'],
  ['2', 'wrong usage, or a wrong document'],
  ['3', 'not found, or no usable endpoint'],
  ['4', 'no registry endpoint answered'],
  ['5', 'not permitted'],
  ['6', 'gave up on a lost lease'],
  ['7', 'the address is held by another registration'],
  ['124', 'what was waited for did not come in time'],
  ['130, 143', 'ended by SIGINT, SIGTERM'],
]

/** Those of a command that runs another one. */
export const WRAPPED_STATUSES: typeof EXIT_STATUSES = [
  ['126, 127', 'the command after -- cannot be executed, is not found'],
  ['others', "the command's own; 128 + n if signal n ended it"],
]
