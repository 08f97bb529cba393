//! The list: how each thing is looked for, and what brings it.

use std::path::Path;

use windlass_harness::{Mariadb, MysqlKind, Names, PostgresBinaries};

use super::{Purpose, postgres, python, unpacked};
use crate::command;

/// Something that must be there.
#[derive(Debug)]
pub(crate) struct Need {
    /// What it is and what for.
    pub(super) what: &'static str,
    /// How to get it without us.
    pub(super) hint: &'static str,
    /// Debian's and Ubuntu's packages.
    pub(super) packages: &'static [&'static str],
    /// Whether it is there. Cheap.
    pub(super) present: fn() -> bool,
    /// Whether a test that lacks it says so and is skipped.
    pub(super) optional: bool,
    purpose: Purpose,
}

const NEEDS: [Need; 9] = [
    Need {
        what: "a C compiler, for the cryptography of TLS",
        hint: "gcc or clang, as `cc`",
        packages: &["gcc", "libc6-dev"],
        present: || command::find("cc").is_some(),
        optional: false,
        purpose: Purpose::Build,
    },
    Need {
        what: "`setpriv`, which ends servers when their test ends",
        hint: "util-linux",
        packages: &["util-linux"],
        present: || command::find("setpriv").is_some(),
        optional: false,
        purpose: Purpose::Servers,
    },
    Need {
        what: "PostgreSQL, server and client, to rotate passwords of",
        hint: "postgresql 13 or later; if it is in an unusual place, name its `bin` directory in WINDLASS_DEV_POSTGRES",
        packages: &["postgresql"],
        present: || PostgresBinaries::find().is_ok(),
        optional: false,
        purpose: Purpose::Servers,
    },
    Need {
        what: "MariaDB, server and client, to rotate passwords of",
        hint: "mariadb 10.4 or later; if it is in an unusual place, name it in WINDLASS_DEV_MARIADB",
        packages: &["mariadb-server", "mariadb-client"],
        present: || Mariadb::missing(MysqlKind::Mariadb).is_none(),
        optional: true,
        purpose: Purpose::Everything,
    },
    Need {
        what: "MySQL, or `mmdebstrap` to unpack one from another release of Debian",
        hint: "mysql 8.0 or later; if it is in an unusual place, name it in WINDLASS_DEV_MYSQL",
        packages: &["mmdebstrap"],
        present: unpacked::available,
        optional: true,
        purpose: Purpose::Everything,
    },
    Need {
        what: "`npm`, to fetch other versions of PostgreSQL and judges of policies",
        hint: "npm, with Node.js",
        packages: &["npm"],
        present: postgres::available,
        optional: true,
        purpose: Purpose::Everything,
    },
    Need {
        what: "libnss_wrapper, to change what a name means during a test",
        hint: "nss_wrapper, of the cwrap project",
        packages: &["libnss-wrapper"],
        present: || Names::library().is_some(),
        optional: true,
        purpose: Purpose::Everything,
    },
    Need {
        what: "a C++ compiler, for libFuzzer",
        hint: "g++ or clang++, as `c++`",
        packages: &["g++"],
        present: || command::find("c++").is_some(),
        optional: false,
        purpose: Purpose::Fuzz,
    },
    Need {
        what: "Python 3 with `venv`, to test with boto3 and moto",
        hint: "python3 and python3-venv",
        packages: &["python3", "python3-venv"],
        present: python::available,
        optional: false,
        purpose: Purpose::Everything,
    },
];

/// Debian's own compiler for WebAssembly: for machines where rustup can't add the target. On other
/// systems rustup is the only way.
pub(super) const DEBIAN_RUST: [Need; 1] = [Need {
    what: "Rust's target wasm32-unknown-unknown, for plugins",
    hint: "`rustup target add wasm32-unknown-unknown`",
    packages: &["rustc-web", "rust-web-src", "lld-19"],
    present: || {
        ["/usr/bin/rustc", "/usr/bin/wasm-ld-19"].iter().all(|file| Path::new(file).is_file())
    },
    optional: false,
    purpose: Purpose::Build,
}];

/// What `purpose` needs and this machine lacks.
pub(super) fn missing(purpose: Purpose) -> Vec<&'static Need> {
    let included = |need: &&Need| match purpose {
        Purpose::Everything | Purpose::EveryVersion => true,
        Purpose::Servers => matches!(need.purpose, Purpose::Build | Purpose::Servers),
        Purpose::Fuzz => matches!(need.purpose, Purpose::Build | Purpose::Fuzz),
        Purpose::Build => need.purpose == Purpose::Build,
    };
    NEEDS.iter().filter(included).filter(|need| !(need.present)()).collect()
}
