//! Files that are delivered beside the program, and the image.

mod cloudformation;
mod files;
mod image;
mod readme_clients;
