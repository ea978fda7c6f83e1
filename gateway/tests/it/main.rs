//! The gateway before small services made of the generated server traits: what is tested here is the transport.

mod cases;
mod documents;
mod fake;
mod grpc;
mod letters;
mod live;
mod reports;
mod rest;
mod serve_tmp;
mod session;
