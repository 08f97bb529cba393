//! The ARNs that policies are about, taken apart.

use std::fmt;
use std::str::FromStr;

/// What is wrong with an ARN on the command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArnProblem {
    /// It is not the ARN of a function.
    #[error(
        "not the ARN of a Lambda function, arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME: `{0}`"
    )]
    Function(String),
    /// It names a version or an alias.
    #[error(
        "`{0}` names a version or an alias of the function: Secrets Manager compares the whole ARN, so \
         give the function's own, without `:{1}`"
    )]
    Qualified(String, String),
    /// It is not the ARN of a key.
    #[error("not the ARN of a KMS key, arn:PARTITION:kms:REGION:ACCOUNT:key/ID: `{0}`")]
    Key(String),
    /// It is an alias.
    #[error(
        "`{0}` is an alias, and a statement about an alias grants nothing: give the key's own ARN, which \
         `aws kms describe-key --key-id {1} --query KeyMetadata.Arn` prints"
    )]
    Alias(String, String),
}

/// The function that rotates, without a version or an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionArn {
    text: String,
    /// `aws`, `aws-cn`, `aws-us-gov` and so on.
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account's number.
    pub account: String,
    /// The function's name.
    pub name: String,
}

impl FunctionArn {
    /// The ARN of something else in the function's region and account.
    pub fn sibling(&self, service: &str, resource: &str) -> String {
        let Self { partition, region, account, .. } = self;
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    /// The host name of a service's endpoint in the function's region, as `kms:ViaService` has it.
    pub fn endpoint(&self, service: &str) -> String {
        let suffix = if self.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("{service}.{}.{suffix}", self.region)
    }
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for FunctionArn {
    type Err = ArnProblem;

    fn from_str(text: &str) -> Result<Self, ArnProblem> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "lambda", region, account, "function", name, behind @ ..] =
            parts.as_slice()
        else {
            return Err(ArnProblem::Function(text.to_owned()));
        };
        if !is_partition(partition)
            || !is_word(region)
            || !is_account(account)
            || !is_word(name)
            || behind.len() > 1
        {
            return Err(ArnProblem::Function(text.to_owned()));
        }
        if let [qualifier] = behind {
            return Err(ArnProblem::Qualified(text.to_owned(), (*qualifier).to_owned()));
        }
        let [partition, region, account, name] =
            [partition, region, account, name].map(|part| (*part).to_owned());
        Ok(Self { text: text.to_owned(), partition, region, account, name })
    }
}

/// A key of KMS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyArn(String);

impl KeyArn {
    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyArn {
    type Err = ArnProblem;

    fn from_str(text: &str) -> Result<Self, ArnProblem> {
        let parts: Vec<&str> = text.split(':').collect();
        let name = match parts.as_slice() {
            ["arn", partition, "kms", region, account, name]
                if is_partition(partition) && is_word(region) && is_account(account) =>
            {
                *name
            }
            _ if text.starts_with("alias/") => text,
            _ => return Err(ArnProblem::Key(text.to_owned())),
        };
        if name.starts_with("alias/") {
            return Err(ArnProblem::Alias(text.to_owned(), name.to_owned()));
        }
        match name.strip_prefix("key/") {
            Some(id) if is_word(id) => Ok(Self(text.to_owned())),
            _ => Err(ArnProblem::Key(text.to_owned())),
        }
    }
}

fn is_partition(text: &str) -> bool {
    text == "aws" || text.strip_prefix("aws-").is_some_and(is_word)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What names and regions are made of: nothing that means more in a policy.
fn is_word(text: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.len() <= 140 && text.bytes().all(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_whole_and_without_a_version() {
        let arn: FunctionArn =
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:windlass".parse().unwrap();
        assert_eq!((arn.partition.as_str(), arn.region.as_str()), ("aws-cn", "cn-north-1"));
        assert_eq!(arn.endpoint("kms"), "kms.cn-north-1.amazonaws.com.cn");
        assert_eq!(arn.sibling("rds", "db:*"), "arn:aws-cn:rds:cn-north-1:123456789012:db:*");
        for (text, part) in [
            ("windlass", "not the ARN"),
            ("arn:aws:lambda:eu-west-1:1234:function:windlass", "not the ARN"),
            ("arn:aws:lambda:eu-west-1:123456789012:function:", "not the ARN"),
            ("arn:aws:lambda:*:123456789012:function:windlass", "not the ARN"),
            ("arn:aws:lambda:eu-west-1:123456789012:function:wind*", "not the ARN"),
            ("arn:aws:lambda:eu-west-1:123456789012:function:windlass:a:b", "not the ARN"),
            ("arn:aws:lambda:eu-west-1:123456789012:function:windlass:live", "without `:live`"),
            ("arn:aws:iam::123456789012:role/windlass", "not the ARN"),
        ] {
            let problem = text.parse::<FunctionArn>().unwrap_err().to_string();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }

    #[test]
    fn a_key_is_named_by_itself() {
        let key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab";
        assert_eq!(key.parse::<KeyArn>().unwrap().as_str(), key);
        for (text, part) in [
            ("alias/app", "--key-id alias/app"),
            ("arn:aws:kms:eu-west-1:123456789012:alias/app", "is an alias"),
            ("1234abcd-12ab", "not the ARN of a KMS key"),
            ("arn:aws:kms:eu-west-1:123456789012:key/*", "not the ARN of a KMS key"),
        ] {
            let problem = text.parse::<KeyArn>().unwrap_err().to_string();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
