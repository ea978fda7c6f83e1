//! The documents service as its callers see it: over gRPC, behind the stack, on both engines.

mod exchange;
mod oss;
mod webhooks;
