export { registerFairlead } from './core/grpc-registration.js'
export type { GrpcOptions, GrpcRegistration } from './core/grpc-registration.js'

export type { Pem } from './core/library/options.js'
export { FairleadError } from './core/errors.js'
export type { ErrorCode } from './core/errors.js'
export type { LogFields, Logger } from './core/runtime.js'
