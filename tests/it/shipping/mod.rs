//! Files that are delivered beside the program, and the image.

mod clients;
mod cloudformation;
mod container;
mod files;
mod image;
