//! The stable names of failures, which Lambda reports as `errorType` and alarms match on.
//!
//! One table holds all of them, with what each means, what to do and whether another attempt helps.
//! `host/ERRORS.md` is generated from it, and a test keeps both equal. Messages may be reworded; a name
//! never changes its meaning.

use std::fmt;

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blame {
    /// The operator: the secret, the configuration, permissions, the account in the service.
    Operator,
    /// The service that the credential is for, or the network to it.
    Service,
    /// An AWS API, or the network to it.
    Aws,
    /// The author of the plugin.
    Plugin,
    /// The authors of Windlass.
    Internal,
}

/// Whether another attempt helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Retry {
    /// The next attempt may succeed, with nothing changed.
    Helps,
    /// Another attempt helps after a waiting time that the message names.
    Later,
    /// Every attempt fails until something was changed.
    AfterChange,
}

impl Blame {
    /// As error types spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "Operator",
            Self::Service => "Service",
            Self::Aws => "Aws",
            Self::Plugin => "Plugin",
            Self::Internal => "Internal",
        }
    }
}

impl Retry {
    /// As documentation calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Helps => "helps",
            Self::Later => "helps later",
            Self::AfterChange => "after a change",
        }
    }
}

/// Declares the kinds of failure, each once.
macro_rules! error_types {
    ($($blame:ident { $($kind:ident $name:literal $retry:ident: $meaning:literal, $remedy:literal;)+ })+) => {
        /// A kind of failure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorType {
            $($(
                #[doc = concat!("`", $name, "`: ", $meaning, ".")]
                $kind,
            )+)+
        }

        impl ErrorType {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$($(Self::$kind,)+)+];

            /// Who has to act.
            pub fn blame(self) -> Blame {
                match self { $($(Self::$kind => Blame::$blame,)+)+ }
            }

            /// The stable name: `Windlass.`, who has to act, and the kind.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$kind => concat!("Windlass.", stringify!($blame), ".", $name),)+)+
                }
            }

            /// Whether another attempt helps.
            pub fn retry(self) -> Retry {
                match self { $($(Self::$kind => Retry::$retry,)+)+ }
            }

            /// What it means: the rest of a sentence without a full stop.
            pub fn meaning(self) -> &'static str {
                match self { $($(Self::$kind => $meaning,)+)+ }
            }

            /// What to do, where the message does not say it better.
            pub fn remedy(self) -> &'static str {
                match self { $($(Self::$kind => $remedy,)+)+ }
            }
        }
    };
}

error_types! {
    Operator {
        Event "Event" AfterChange:
            "the event is not one that Secrets Manager sends to a rotation function",
            "invoke the function through RotateSecret; for a test by hand, send the four fields of a rotation event";
        Configuration "Configuration" AfterChange:
            "an environment variable, `windlass.toml` or the CA bundle is not valid",
            "correct every mistake that the message lists";
        RotationState "RotationState" AfterChange:
            "the labels of the secret's versions do not allow this step",
            "follow the message; `windlass status` shows the labels";
        SecretValue "SecretValue" AfterChange:
            "the value of a secret can't be used: not JSON, a required key is missing, or a field is not valid",
            "correct the secret's value";
        Strategy "Strategy" AfterChange:
            "the strategy does not fit the secret, the plugin or the user name",
            "choose another strategy, or correct the secret as the message describes";
        PasswordSettings "PasswordSettings" AfterChange:
            "passwords made by the current settings would be easy to guess or never accepted",
            "raise `PASSWORD_LENGTH` or exclude fewer characters";
        Mismatch "Mismatch" AfterChange:
            "two versions, or the secret and its admin secret, do not belong together",
            "correct the secret that the message names";
        AdminSecret "AdminSecret" AfterChange:
            "the admin secret that AWS manages does not lead to its database",
            "name another admin secret in `masterarn`, or wait until the database is available";
        NotFound "NotFound" AfterChange:
            "a secret, version or database does not exist in this account and region",
            "correct the name or ARN, or create what is missing";
        AccessDenied "AccessDenied" AfterChange:
            "the role lacks a permission for an AWS API",
            "add the statement in the message to the role's policy";
        KmsKey "KmsKey" AfterChange:
            "the KMS key of a secret can't be used",
            "enable the key, and allow its use in the key policy and in the role's policy";
        OutOfTime "OutOfTime" Helps:
            "the step did not finish within the function's timeout or `--timeout`",
            "raise the timeout, or find out why the operation in the message takes so long";
        NotGranted "NotGranted" AfterChange:
            "the plugin asked for a host and port that it may not connect to",
            "if the plugin needs it, grant it with `WINDLASS_GRANTS` or `grants` in `windlass.toml`";
        PasswordRejected "PasswordRejected" AfterChange:
            "the service's password policy rejects the new password",
            "set `PASSWORD_LENGTH`, the `EXCLUDE_…` variables and `REQUIRE_EACH_INCLUDED_TYPE` to match the policy";
        TextRequired "TextRequired" AfterChange:
            "the service checks new passwords and has to see their text, which is not allowed",
            "allow it with `WINDLASS_SEND_TEXT=true`, or disable the check in the service";
        NotAPair "NotAPair" AfterChange:
            "the two accounts of alternating users are not marked as a pair",
            "review both accounts with `windlass adopt`, which marks them";
        Plugin "Plugin" AfterChange:
            "no installed plugin, or more than one, fits the secret",
            "install, remove or choose a plugin as the message describes";
        PluginArtifact "PluginArtifact" AfterChange:
            "the file of a plugin can't be loaded, or is not the one that the configuration requires",
            "compile it again with this version, or install the required one";
        Stuck "Stuck" AfterChange:
            "`windlass status` found a rotation that does not continue by itself",
            "run `windlass repair`";
        Command "Command" AfterChange:
            "an argument, a file or an answer of a command can't be used",
            "correct what the message names";
    }
    Service {
        Refused "Refused" AfterChange:
            "the service refused a credential",
            "compare the account with the secret; `windlass repair` finds the password that signs in";
        NoPasswordSignsIn "NoPasswordSignsIn" AfterChange:
            "no known password of the account signs in",
            "set the account's password to the one in AWSCURRENT, or run `windlass repair`";
        TooManyRefusals "TooManyRefusals" Later:
            "the service refused so many sign-ins that more could lock the account",
            "correct the password, and wait for the time in the message";
        Declined "Declined" AfterChange:
            "the service accepted the credential and declined the operation",
            "follow the service's code and message";
        Unreachable "Unreachable" Helps:
            "no connection to the service",
            "check host, port, security groups, routes and DNS, as far as the message says the connection got";
        NoTls "NoTls" AfterChange:
            "the server does not offer TLS",
            "enable TLS at the server; only if that is impossible, set `\"ssl\": false` in the secret";
        TlsFailed "TlsFailed" AfterChange:
            "the TLS handshake failed, or the certificate is not trusted",
            "correct the certificate or the host name, or set `WINDLASS_CA_BUNDLE` to the server's CA";
        Unproven "Unproven" AfterChange:
            "the server did not prove that it is the right one, which this operation requires",
            "enable TLS or an authentication method with mutual proof at the server";
        Protocol "Protocol" Helps:
            "the answer of the server is not valid in the plugin's protocol",
            "check that host and port are those of the service; if they are, report it to the plugin's author";
        Unsupported "Unsupported" AfterChange:
            "the server or the secret asks for something that the plugin does not have",
            "follow the message";
    }
    Aws {
        Unavailable "Unavailable" Helps:
            "an AWS API throttled the call, failed or did not answer",
            "if it lasts, check the VPC endpoint or NAT gateway, its security group and DNS";
        Conflict "Conflict" Helps:
            "another caller stored a different value under the same version",
            "start the rotation again";
        InvalidRequest "InvalidRequest" AfterChange:
            "an AWS API rejected the request, for example because the secret is scheduled for deletion",
            "follow the API's message";
        AwsOther "Other" Helps:
            "an AWS API answered something unexpected, or no AWS credentials were found",
            "follow the API's message";
    }
    Plugin {
        Limit "Limit" AfterChange:
            "the plugin exceeded a limit of the sandbox",
            "report it to the plugin's author";
        Crashed "Crashed" Helps:
            "the plugin trapped",
            "report it to the plugin's author, with its last log lines";
        Description "Description" AfterChange:
            "what the plugin says about itself is not valid, or is not what its file was sealed with",
            "report it to the plugin's author, or compile it again";
        Compile "Compile" AfterChange:
            "compiling the plugin takes more memory or time than is allowed",
            "report it to the plugin's author";
    }
    Internal {
        Sandbox "Sandbox" AfterChange:
            "the sandbox could not be set up on this machine",
            "report it, with the machine's kind";
        RuntimeApi "RuntimeApi" Helps:
            "the address of Lambda's Runtime API does not resolve",
            "report it, with the function's configuration";
        Panic "Panic" Helps:
            "a fault in Windlass; the step is safe to run again",
            "report it, with the version and the log";
        InternalOther "Other" Helps:
            "a command failed for a reason that is not the operator's",
            "report it, with the command and its output";
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ErrorType {
    /// The documentation's table.
    pub fn table() -> String {
        let mut table = String::from(
            "| `errorType` | Meaning | What to do | Another attempt |\n|---|---|---|---|\n",
        );
        for kind in Self::ALL {
            let (meaning, remedy, retry) = (kind.meaning(), kind.remedy(), kind.retry().as_str());
            table.push_str(&format!("| `{kind}` | {meaning} | {remedy} | {retry} |\n"));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_name_stands_for_one_kind_and_for_who_acts() {
        let names: BTreeSet<_> = ErrorType::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), ErrorType::ALL.len());
        for kind in ErrorType::ALL {
            let (name, blame) = (kind.as_str(), kind.blame().as_str());
            assert!(name.starts_with(&format!("Windlass.{blame}.")), "{name}");
        }
    }

    #[test]
    fn the_documentation_has_every_error_type() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ERRORS.md");
        let begin = "<!-- generated from host/src/error_type.rs -->\n\n";
        let text = std::fs::read_to_string(path).unwrap();
        let (head, table) = text.split_once(begin).expect(begin);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, format!("{head}{begin}{}", ErrorType::table())).unwrap();
            return;
        }
        assert_eq!(table, ErrorType::table(), "BLESS=1 renews host/ERRORS.md");
    }
}
