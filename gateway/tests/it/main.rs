//! The gateway before small services made of the generated server traits: what is tested here is the transport.

mod cases;
mod complaints;
mod contacts;
mod documents;
mod evidence;
mod fake;
mod grpc;
mod hooks;
mod inbox;
mod letters;
mod live;
mod map;
mod notifications;
mod open311;
mod reports;
mod rest;
mod session;
mod staff;
mod today;
