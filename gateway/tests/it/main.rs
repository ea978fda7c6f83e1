//! The gateway before small services made of the generated server traits: what is tested here is the transport.

mod documents;
mod fake;
mod grpc;
mod letters;
mod live;
mod rest;
mod session;
