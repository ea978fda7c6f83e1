//! The end-to-end tests, in one binary: what the project promises, shown on the whole suite.

mod architecture;
mod complaints;
mod demo_day;
mod documents;
mod negative;
mod notifications;
mod protocol_model;
mod queue;
mod startup;
mod surface;
mod told;
