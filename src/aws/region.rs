//! Names of regions, and what follows from them: the partition, and whether an account has to enable the region.

/// The regions of the partition `aws` that every account has. All later ones have to be enabled.
const ENABLED_BY_DEFAULT: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Partitions other than `aws`, by the beginning of their regions' names.
const PARTITIONS: [(&str, &str); 9] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
    ("eu-sc-", "aws-eusc"),
];

/// Returns the partition of a region.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    let found = PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
    found.map_or("aws", |(_, partition)| partition)
}

/// Returns whether an account has to enable this region.
#[must_use]
pub fn is_opt_in(region: &str) -> bool {
    partition(region) == "aws" && !ENABLED_BY_DEFAULT.contains(&region)
}

/// Parses the name of a region, such as `eu-west-1`.
pub fn parse(text: &str) -> Result<String, String> {
    let text = text.trim();
    let mut parts: Vec<&str> = text.split('-').collect();
    let number = parts.pop().unwrap_or_default();
    let are_lower = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_region = parts.len() >= 2
        && parts.first().is_some_and(|area| (2..=4).contains(&area.len()))
        && parts.iter().all(are_lower)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit());
    if is_region {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not the name of an AWS region; expected one such as eu-west-1"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_regions() {
        for good in [
            "us-east-1",
            "us-gov-west-1",
            "us-isob-east-1",
            "eusc-de-east-1",
            "mx-central-1",
            " eu-west-1\n",
        ] {
            assert_eq!(parse(good).as_deref(), Ok(good.trim()));
        }
        for bad in [
            "",
            "Ireland",
            "\"eu-west-1\"",
            "eu_west_1",
            "eu-west",
            "EU-WEST-1",
            "eu-west-1a",
            "eu--1",
            "1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn partitions_and_regions_that_have_to_be_enabled() {
        for (region, of, opt_in) in [
            ("us-east-1", "aws", false),
            ("me-south-1", "aws", true),
            ("cn-north-1", "aws-cn", false),
            ("us-gov-west-1", "aws-us-gov", false),
            ("us-isob-east-1", "aws-iso-b", false),
            ("eusc-de-east-1", "aws-eusc", false),
        ] {
            assert_eq!((partition(region), is_opt_in(region)), (of, opt_in), "{region}");
        }
    }
}
