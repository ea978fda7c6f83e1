//! The end-to-end tests, in one binary: what the project promises, shown on the whole suite.

mod architecture;
mod demo_day;
mod startup;
mod surface;
