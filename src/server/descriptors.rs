//! The process's limit of file descriptors, and the number of connections that follows from it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::ConnectionLimits;

/// Limit of descriptors where the hard limit is infinite; the kernel's default for the highest possible one.
const KERNEL_MAX: u64 = 1024 * 1024;

/// Raises the soft limit of file descriptors to the hard limit, and returns it. Service managers keep the soft limit at 1,024
/// for programs that use `select`; others are expected to raise it.
pub fn raise_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current.unwrap_or(KERNEL_MAX);
    let wanted = maximum.unwrap_or(KERNEL_MAX);
    if wanted <= current {
        return current;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, limit = current, "the limit of file descriptors could not be raised");
            current
        }
    }
}

impl ConnectionLimits {
    /// Reduces the number of connections to what a limit of file descriptors allows. Half of the descriptors are left for
    /// the requests to other services that calls make, and for the process itself.
    #[must_use]
    pub fn within_descriptors(mut self, limit: u64) -> Self {
        let half = usize::try_from(limit / 2).unwrap_or(usize::MAX);
        self.probes = self.probes.min(half / 4);
        self.most = self.most.min(half - self.probes).max(1);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_take_half_of_the_descriptors() {
        for (descriptors, most, probes) in [
            (524_288, 1024, 64),
            (2176, 1024, 64),
            (1024, 448, 64),
            (256, 96, 32),
            (0, 1, 0),
        ] {
            let limits = ConnectionLimits::default().within_descriptors(descriptors);
            assert_eq!((limits.most, limits.probes), (most, probes), "{descriptors}");
        }
    }
}
