//! The macro that runs a test on both S3s.

/// Runs each test on the embedded S3 and on SeaweedFS, in the modules `embedded` and `seaweedfs`.
///
/// The module that uses it has `Stage` and a `Scene` with `Scene::on(Stage)` in scope: the one of `support`, or its own. Where
/// the backends differ, the test asks `scene.is_embedded()` and says how.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($scene:ident) $body:block)+) => {
        mod embedded {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(Scene::on(Stage::embedded().await).await).await })+
        }
        mod seaweedfs {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(Scene::on(Stage::seaweedfs().await).await).await })+
        }
        $($(#[$doc])* async fn $name($scene: Scene) $body)+
    };
}
pub(crate) use on_both;
