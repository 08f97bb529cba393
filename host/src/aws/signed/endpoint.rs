//! Where a service is: AWS's rules of endpoints, for all partitions.
//!
//! Source: the partitions and the rules that AWS's SDKs are generated with (`partitions.json` and each
//! service's `endpoint-rule-set`, 2026-11). A region that no partition knows is taken for one of `aws`,
//! as the SDKs do.

/// A part of AWS that shares nothing with the others.
struct Partition {
    /// How its regions begin. The first that fits counts.
    regions: &'static [&'static str],
    suffix: &'static str,
    dual_stack_suffix: &'static str,
    /// Where the usual endpoints are FIPS endpoints, for some services.
    is_government: bool,
}

const AWS: Partition = Partition {
    regions: &[],
    suffix: "amazonaws.com",
    dual_stack_suffix: "api.aws",
    is_government: false,
};

const PARTITIONS: &[Partition] = &[
    Partition {
        regions: &["cn-", "aws-cn-global"],
        suffix: "amazonaws.com.cn",
        dual_stack_suffix: "api.amazonwebservices.com.cn",
        ..AWS
    },
    Partition { regions: &["us-gov-", "aws-us-gov-global"], is_government: true, ..AWS },
    Partition {
        regions: &["eusc-de-"],
        suffix: "amazonaws.eu",
        dual_stack_suffix: "api.amazonwebservices.eu",
        ..AWS
    },
    Partition {
        regions: &["us-iso-", "aws-iso-global"],
        suffix: "c2s.ic.gov",
        dual_stack_suffix: "api.aws.ic.gov",
        ..AWS
    },
    Partition {
        regions: &["us-isob-", "aws-iso-b-global"],
        suffix: "sc2s.sgov.gov",
        dual_stack_suffix: "api.aws.scloud",
        ..AWS
    },
    Partition {
        regions: &["eu-isoe-", "aws-iso-e-global"],
        suffix: "cloud.adc-e.uk",
        dual_stack_suffix: "api.cloud-aws.adc-e.uk",
        ..AWS
    },
    Partition {
        regions: &["us-isof-", "aws-iso-f-global"],
        suffix: "csp.hci.ic.gov",
        dual_stack_suffix: "api.aws.hci.ic.gov",
        ..AWS
    },
];

/// Which of a service's endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Variant {
    /// With cryptography that FIPS 140 validated.
    pub(crate) fips: bool,
    /// Reached by IPv6, too.
    pub(crate) dual_stack: bool,
}

/// How a service's endpoints are named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// What their names begin with.
    pub(crate) prefix: &'static str,
    /// Whether in GovCloud the usual endpoints are the FIPS endpoints.
    pub(crate) government_is_fips: bool,
}

impl Rules {
    /// The URL in a region. `None`: a region can't have that name.
    pub(crate) fn url(self, region: &str, variant: Variant) -> Option<String> {
        if !is_host_label(region) {
            return None;
        }
        let begins = |partition: &&Partition| {
            partition.regions.iter().any(|beginning| region.starts_with(beginning))
        };
        let partition = PARTITIONS.iter().find(begins).unwrap_or(&AWS);
        let Variant { fips, dual_stack } = variant;
        let plain = self.government_is_fips && partition.is_government && !dual_stack;
        let fips = if fips && !plain { "-fips" } else { "" };
        let suffix = if dual_stack { partition.dual_stack_suffix } else { partition.suffix };
        Some(format!("https://{}{fips}.{region}.{suffix}", self.prefix))
    }
}

/// RFC 1123, section 2.1: a region is one label of the name.
fn is_host_label(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows are what the endpoint resolvers of AWS's SDKs for RDS, Redshift and Redshift Serverless
    /// answered for these regions (crates of 2026-11).
    #[test]
    fn endpoints_are_those_of_the_sdks_in_every_partition() {
        let rds = Rules { prefix: "rds", government_is_fips: true };
        let serverless = Rules { prefix: "redshift-serverless", government_is_fips: false };
        let rows = [
            ("us-east-1", "amazonaws.com", "api.aws"),
            ("mx-central-1", "amazonaws.com", "api.aws"),
            ("xx-new-9", "amazonaws.com", "api.aws"),
            ("cn-northwest-1", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
            ("us-gov-west-1", "amazonaws.com", "api.aws"),
            ("eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu"),
            ("us-iso-east-1", "c2s.ic.gov", "api.aws.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov", "api.aws.scloud"),
            ("eu-isoe-west-1", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
            ("us-isof-south-1", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
            ("aws-cn-global", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ];
        for (region, suffix, dual) in rows {
            let url = |rules: Rules, fips, dual_stack| {
                rules.url(region, Variant { fips, dual_stack }).unwrap()
            };
            let fips = if region.starts_with("us-gov-") { "rds" } else { "rds-fips" };
            assert_eq!(url(rds, false, false), format!("https://rds.{region}.{suffix}"));
            assert_eq!(url(rds, true, false), format!("https://{fips}.{region}.{suffix}"));
            assert_eq!(url(rds, false, true), format!("https://rds.{region}.{dual}"));
            assert_eq!(url(rds, true, true), format!("https://rds-fips.{region}.{dual}"));
            let fips = url(serverless, true, false);
            assert_eq!(fips, format!("https://redshift-serverless-fips.{region}.{suffix}"));
        }
    }

    #[test]
    fn a_region_that_would_name_another_host_is_none() {
        let rules = Rules { prefix: "rds", government_is_fips: true };
        for region in ["", "-", "eu.west", "eu-west-1/", "a@b", "eu-west-1.evil.example#", "-eu"] {
            assert_eq!(rules.url(region, Variant::default()), None, "{region}");
        }
        assert_eq!(rules.url(&"a".repeat(64), Variant::default()), None);
    }
}
