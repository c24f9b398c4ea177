//! Bounds of requests, memory and CPU, also under attack.

mod attacks;
mod cpu;
mod memory;
mod rates;
