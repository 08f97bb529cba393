//! Where the programs under test are: named by the environment that `cargo xtask test` sets.
//!
//! Tests never build what they test: a nested cargo would fight over the build lock and hide its
//! flags. A missing program is an error that names the command which makes it.
//!
//! The names begin with `WINDLASS_DEV_`, which the product leaves alone: any other `WINDLASS_…`
//! that it does not know is an error there.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Something that `cargo xtask build` or `cargo xtask setup` provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artifact {
    /// The `windlass` command line.
    Windlass,
    /// The Lambda function's binary, built as it is deployed.
    Bootstrap,
    /// The directory with a `.wasm` and a `.cwasm` for each plugin.
    Plugins,
    /// The directory with the same for each guest: plugins that misbehave, for tests.
    Guests,
    /// A Python interpreter that has boto3 and moto.
    Python,
    /// The directory with others' judges of policies; see [`optional`](Self::optional).
    Judge,
}

impl Artifact {
    /// All of them, in the order in which they are made.
    pub const ALL: [Self; 6] =
        [Self::Windlass, Self::Bootstrap, Self::Plugins, Self::Guests, Self::Python, Self::Judge];

    /// The environment variable that holds its path.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Windlass => "WINDLASS_DEV_BIN",
            Self::Bootstrap => "WINDLASS_DEV_BOOTSTRAP",
            Self::Plugins => "WINDLASS_DEV_PLUGINS",
            Self::Guests => "WINDLASS_DEV_GUESTS",
            Self::Python => "WINDLASS_DEV_PYTHON",
            Self::Judge => "WINDLASS_DEV_JUDGE",
        }
    }

    /// Its path, from the environment.
    ///
    /// # Errors
    /// If the variable is not set, or names nothing that exists.
    pub fn path(self) -> Result<PathBuf> {
        let variable = self.variable();
        let Some(value) = std::env::var_os(variable) else {
            bail!("{variable} is not set: run `cargo xtask test`, which builds it and sets this");
        };
        let path = PathBuf::from(value);
        if !path.exists() {
            bail!(
                "{variable} names nothing that exists: `{}`: run `cargo xtask build`",
                path.display()
            );
        }
        Ok(path)
    }

    /// Its path where this machine could have it. Without it, a test is skipped.
    #[must_use]
    pub fn optional(self) -> Option<PathBuf> {
        std::env::var_os(self.variable()).map(PathBuf::from).filter(|path| path.exists())
    }

    /// The AOT-compiled plugin `name` in the directory `plugins`.
    #[must_use]
    pub fn compiled_plugin(plugins: &Path, name: &str) -> PathBuf {
        plugins.join(format!("{name}.cwasm"))
    }
}
