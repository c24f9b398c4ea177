//! Files that are delivered beside the program, and the image.

mod files;
mod image;
mod readme_clients;
