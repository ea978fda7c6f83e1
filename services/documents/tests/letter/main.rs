//! Letters from template to verified file, with the judgement of two programs that are not ours: poppler's `pdfsig` and
//! pyHanko.

mod returned;
mod sample;
mod signatures;
mod tampering;
mod tools;
