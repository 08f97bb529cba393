//! Why a place may not be reached.

/// Why a place may not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenyReason {
    /// The plugin did not ask for it.
    NotAsked,
    /// The operator did not grant it.
    NotGranted,
    /// Link-local: metadata services live there.
    LinkLocal,
    /// Multicast or broadcast.
    NotOneHost,
    /// `0.0.0.0/8` or `::`.
    Unspecified,
    /// Loopback in the form of another address family.
    Disguised,
    /// The Lambda runtime API.
    RuntimeApi,
    /// Loopback, without a grant that names it.
    Loopback,
    /// Loopback, on Lambda.
    LoopbackOnLambda,
}

impl DenyReason {
    /// A short, stable label for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::NotGranted => "not-granted",
            Self::LinkLocal => "link-local",
            Self::NotOneHost => "not-one-host",
            Self::Unspecified => "unspecified",
            Self::Disguised => "disguised",
            Self::RuntimeApi => "runtime-api",
            Self::Loopback => "loopback",
            Self::LoopbackOnLambda => "loopback-on-lambda",
        }
    }

    /// What to tell the operator.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::NotAsked => "the plugin does not request this host and port",
            Self::NotGranted => {
                "the operator did not grant this host and port; if the plugin is to connect \
                 there, grant it in WINDLASS_GRANTS or windlass.toml"
            }
            Self::LinkLocal => "link-local and metadata addresses are never reachable",
            Self::NotOneHost => "multicast and broadcast addresses are never reachable",
            Self::Unspecified => "this address names no host",
            Self::Disguised => "loopback written as another kind of address is never reachable",
            Self::RuntimeApi => "the Lambda runtime API is never reachable",
            Self::Loopback => {
                "loopback needs a grant that names it, such as tcp://127.0.0.1:5432 in \
                 WINDLASS_GRANTS, windlass.toml or --grant"
            }
            Self::LoopbackOnLambda => "loopback is never reachable on Lambda",
        }
    }
}
