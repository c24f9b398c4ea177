//! Checks of the backends that other tests rely on.

mod embedded_aws;
mod seaweedfs;
