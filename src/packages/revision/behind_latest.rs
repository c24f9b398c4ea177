//! Revisions named by their place behind the latest one: `latest~N`.

use quilt_format::{PackageName, TopHash};

use super::listed::{ListedPointer, MAX_READS};
use crate::packages::{PackageBucket, PackageError};

/// Returns the number of places of `latest~N`; `None` of other texts.
pub(super) fn places(wanted: &str) -> Option<Result<usize, PackageError>> {
    let places = wanted.strip_prefix("latest~")?;
    let is_number = !places.is_empty() && places.bytes().all(|byte| byte.is_ascii_digit());
    let number = places.parse().ok().filter(|_| is_number);
    Some(number.ok_or_else(|| {
        let shown: String = wanted.chars().take(80).collect();
        PackageError::Invalid(format!(
            "`{shown}` names no revision; expected latest~N, where N is a non-negative integer"
        ))
    }))
}

impl PackageBucket {
    /// Returns the revision this many places behind the newest pointer that names the latest revision, in the order of the
    /// history.
    pub(super) async fn behind_latest(&self, name: &PackageName, places: usize) -> Result<TopHash, PackageError> {
        let latest = self.existing(name).await?;
        if places == 0 {
            return Ok(latest.hash);
        }
        let history = self.history(name).await?;
        let newest = self.newest_of(&history, &latest.hash).await?;
        // An interrupted commit has left the latest revision out of the history; it is before all of it.
        let index = newest.map_or(places - 1, |newest| newest.saturating_add(places));
        let Some(pointer) = history.get(index) else {
            let count = history.len() - newest.map_or(0, |newest| newest + 1);
            return Err(PackageError::Invalid(format!(
                "latest~{places} names no revision: the history of {name} has {count} revisions behind the latest"
            )));
        };
        Ok(self.pointer(&pointer.key).await?.hash)
    }

    /// Returns the index of the newest pointer that names this revision.
    async fn newest_of(&self, history: &[ListedPointer], hash: &TopHash) -> Result<Option<usize>, PackageError> {
        for (number, batch) in history.chunks(MAX_READS).enumerate() {
            let read = self.read_pointers(batch.to_vec()).await?;
            if let Some(found) = read.iter().find(|read| read.names(hash)) {
                let within = batch.iter().position(|pointer| pointer.key == found.pointer.key);
                return Ok(within.map(|within| number * MAX_READS + within));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn only_a_non_negative_integer_is_a_number_of_places() {
        assert!(matches!(places("latest~0"), Some(Ok(0))));
        assert!(matches!(places("latest~12"), Some(Ok(12))));
        for bad in [
            "latest~",
            "latest~-1",
            "latest~+1",
            "latest~x",
            "latest~99999999999999999999999",
        ] {
            assert!(matches!(places(bad), Some(Err(_))), "{bad}");
        }
        assert!(places("latest").is_none() && places("abcdef").is_none());
    }
}
