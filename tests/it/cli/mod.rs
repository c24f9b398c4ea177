//! Commands of the program, run as a user runs them.

mod commands;
mod first_run;
mod process;
mod quilt3_login;
mod settings;
mod token;
