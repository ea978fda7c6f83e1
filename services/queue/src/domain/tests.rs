//! The rules of a hall, checked from outside of each module: single situations ([`rules`], [`hours`]), random days
//! against independent models ([`walk`], [`fairness`]), and agreement with the contract ([`parity`]).

mod fairness;
mod hours;
mod model;
mod parity;
mod rules;
mod walk;
mod world;
